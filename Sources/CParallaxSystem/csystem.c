#define _GNU_SOURCE
#include "csystem.h"
#include <fcntl.h>
#include <unistd.h>

int csystem_pipe_cloexec(int ends[2]) { return pipe2(ends, O_CLOEXEC); }

int csystem_spawn_close_from(posix_spawn_file_actions_t *actions, int first) {
  return posix_spawn_file_actions_addclosefrom_np(actions, first);
}

short csystem_spawn_setsid(void) { return POSIX_SPAWN_SETSID; }
