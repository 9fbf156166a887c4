/* A broker for tests: librdkafka's mock cluster in a process of its own, on TCP, obeying commands on standard input.
 *
 *     test-broker [number of brokers [a port for each ...]]
 *
 * With ports it stands where a broker process stood that was killed: its clients find it again, as they would find a restarted
 * broker. What the old one held is gone; whoever started it writes it again.
 *
 * The first line of output is the bootstrap servers; then one line answers each command: "ok", or "error" and a reason.
 * It ends when standard input does: a dead test leaves no broker behind. Known limits of the mock: 5 MiB and 100,000
 * message sets a partition, the oldest dropped; aborted transactions stay visible; open transactions
 * are not known (see high-watermark); no offsets by time. */
#define _GNU_SOURCE
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MAX_WORDS = 8 };

static char **ports;
static int ports_left;

/* The mock asks for any free port, and has no way to say which. The library's call comes here instead of to libc: the executable's
 * symbols are looked at first. */
int bind(int socket, const struct sockaddr *address, socklen_t length) {
    struct sockaddr_in wanted;
    if (ports_left > 0 && length >= sizeof wanted && address->sa_family == AF_INET) {
        memcpy(&wanted, address, sizeof wanted);
        if (wanted.sin_port == 0) {
            int yes = 1;
            /* Connections of the killed process may linger. */
            setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
            wanted.sin_port = htons((uint16_t)atoi(*ports++));
            ports_left--;
            return (int)syscall(SYS_bind, socket, &wanted, sizeof wanted);
        }
    }
    return (int)syscall(SYS_bind, socket, address, length);
}

/* The mock names its cluster by an address in memory: another with each process. A cluster that is started anew keeps its id, and so shall this one. */
static void name_cluster(rd_kafka_mock_cluster_t *cluster, const char *name) {
    char *id = NULL;
    for (char *c = (char *)cluster; c < (char *)cluster + 256 && !id; c++)
        if (!memcmp(c, "mockCluster", 11)) id = c;
    if (!id) exit((fprintf(stderr, "test-broker: the cluster's id is not where it was\n"), 1));
    size_t room = strlen(id);
    for (size_t i = 0; i < room; i++) id[i] = *name ? *name++ : '0';
}

static int number(const char *word) { return word ? atoi(word) : -1; }

/* Carries out one command; returns 0, librdkafka's error code, or -1 for words that are no command. */
static int obey(rd_kafka_mock_cluster_t *cluster, char **word, int count) {
    const char *verb = count > 0 ? word[0] : "";
    if (!strcmp(verb, "topic") && count == 3)
        return rd_kafka_mock_topic_create(cluster, word[1], number(word[2]), 1);
    if (!strcmp(verb, "topic-error") && count == 3) {
        rd_kafka_mock_topic_set_error(cluster, word[1], (rd_kafka_resp_err_t)number(word[2]));
        return 0;
    }
    if (!strcmp(verb, "down") && count == 2)
        return rd_kafka_mock_broker_set_down(cluster, number(word[1]));
    if (!strcmp(verb, "up") && count == 2)
        return rd_kafka_mock_broker_set_up(cluster, number(word[1]));
    if (!strcmp(verb, "rtt") && count == 3)
        return rd_kafka_mock_broker_set_rtt(cluster, number(word[1]), number(word[2]));
    if (!strcmp(verb, "leader") && count == 4)
        return rd_kafka_mock_partition_set_leader(cluster, word[1], number(word[2]), number(word[3]));
    if (!strcmp(verb, "follower") && count == 4)  /* follower TOPIC PARTITION BROKER: consumers fetch from it */
        return rd_kafka_mock_partition_set_follower(cluster, word[1], number(word[2]), number(word[3]));
    if (!strcmp(verb, "high-watermark") && count == 4)
        /* high-watermark TOPIC PARTITION OFFSET: what the follower says of it. Its last stable offset stays the partition's end: so a fetch looks while
         * a transaction is open that has written the records between the two. */
        return rd_kafka_mock_partition_set_follower_wmarks(cluster, word[1], number(word[2]), -1, atoll(word[3]));
    if (!strcmp(verb, "coordinator") && count == 3)
        return rd_kafka_mock_coordinator_set(cluster, "group", word[1], number(word[2]));
    if (!strcmp(verb, "errors") && count == 4) {  /* errors API-KEY CODE HOW-OFTEN */
        size_t times = (size_t)number(word[3]);
        rd_kafka_resp_err_t *errors = calloc(times + 1, sizeof *errors);
        for (size_t i = 0; i < times; i++) errors[i] = (rd_kafka_resp_err_t)number(word[2]);
        rd_kafka_mock_push_request_errors_array(cluster, (int16_t)number(word[1]), times, errors);
        free(errors);
        return 0;
    }
    if (!strcmp(verb, "slow-error") && count == 5)  /* slow-error BROKER API-KEY CODE MILLISECONDS: the next request of that kind */
        return rd_kafka_mock_broker_push_request_error_rtts(
            cluster, number(word[1]), (int16_t)number(word[2]), 1, (rd_kafka_resp_err_t)number(word[3]), number(word[4]));
    if (!strcmp(verb, "cluster") && count == 2) {
        name_cluster(cluster, word[1]);
        return 0;
    }
    if (!strcmp(verb, "clear") && count == 2) {
        rd_kafka_mock_clear_request_errors(cluster, (int16_t)number(word[1]));
        return 0;
    }
    return -1;
}

int main(int count, char **words) {
    char trouble[512];
    ports = words + 2;
    ports_left = count > 2 ? count - 2 : 0;
    rd_kafka_conf_t *settings = rd_kafka_conf_new();
    rd_kafka_conf_set(settings, "log_level", "0", NULL, 0);
    rd_kafka_t *handle = rd_kafka_new(RD_KAFKA_PRODUCER, settings, trouble, sizeof trouble);
    if (!handle) return fprintf(stderr, "test-broker: %s\n", trouble), 1;
    rd_kafka_mock_cluster_t *cluster = rd_kafka_mock_cluster_new(handle, count > 1 ? number(words[1]) : 1);
    if (!cluster) return fprintf(stderr, "test-broker: no cluster\n"), 1;
    name_cluster(cluster, "mockCluster");
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("%s\n", rd_kafka_mock_cluster_bootstraps(cluster));

    char line[1024];
    while (fgets(line, sizeof line, stdin)) {
        char *word[MAX_WORDS], *rest = NULL;
        int found = 0;
        for (char *w = strtok_r(line, " \n", &rest); w && found < MAX_WORDS; w = strtok_r(NULL, " \n", &rest)) word[found++] = w;
        int result = obey(cluster, word, found);
        if (result == 0)
            printf("ok\n");
        else
            printf("error %s\n", result == -1 ? "not a command" : rd_kafka_err2name((rd_kafka_resp_err_t)result));
    }
    /* The cluster has no state that outlives it; its orderly end would wait for its clients. */
    _Exit(0);
}
