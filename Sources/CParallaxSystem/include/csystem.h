// What glibc offers only with _GNU_SOURCE, which Swift's Glibc module leaves out. No logic.
#ifndef CSYSTEM_H
#define CSYSTEM_H

#include <spawn.h>

/// pipe2(2) with O_CLOEXEC: no child started at the same moment by another thread inherits the ends.
int csystem_pipe_cloexec(int ends[2]);
/// posix_spawn_file_actions_addclosefrom_np(3): the child inherits no descriptor from `first` on.
int csystem_spawn_close_from(posix_spawn_file_actions_t *actions, int first);
/// POSIX_SPAWN_SETSID: the child begins a session of its own.
short csystem_spawn_setsid(void);

#endif
