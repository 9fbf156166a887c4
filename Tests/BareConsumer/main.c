/* What librdkafka costs by itself: reads a topic to its end, as often as asked, with the calls that Parallax uses.
 *
 *     bare-consumer BROKERS TOPIC PARTITIONS PASSES received|copied|headers [PROPERTY VALUE ...]
 *
 * "received" looks at each message's length and gives it back. "copied" also does what everybody must do who keeps records in batches: copies
 * key and payload into buffers that are used again and again, with offsets, times and ends beside them.
 * "headers" also asks for each record's headers, and finds none.
 * Prints: records, bytes, wall seconds, processor seconds. */
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { AT_ONCE = 1024, RECORDS_PER_BATCH = 8192 };

static double wall(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static double processor(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e-6;
}

/* One batch's columns; they grow and are never given back. */
static struct {
    int64_t offsets[RECORDS_PER_BATCH], times[RECORDS_PER_BATCH];
    size_t key_ends[RECORDS_PER_BATCH], payload_ends[RECORDS_PER_BATCH];
    char *keys, *payloads;
    size_t key_room, payload_room;
    int count;
} batch;

static void append(char **bytes, size_t *room, size_t end, const void *value, size_t length) {
    if (end + length > *room) *bytes = realloc(*bytes, *room = 2 * (end + length));
    if (length) memcpy(*bytes + end, value, length);
}

static void keep(const rd_kafka_message_t *message) {
    rd_kafka_timestamp_type_t type;
    if (batch.count == RECORDS_PER_BATCH) batch.count = 0;
    int row = batch.count++;
    size_t key = row ? batch.key_ends[row - 1] : 0, payload = row ? batch.payload_ends[row - 1] : 0;
    batch.offsets[row] = message->offset;
    batch.times[row] = rd_kafka_message_timestamp(message, &type) * 1000;
    append(&batch.keys, &batch.key_room, key, message->key, message->key_len);
    append(&batch.payloads, &batch.payload_room, payload, message->payload, message->len);
    batch.key_ends[row] = key + message->key_len;
    batch.payload_ends[row] = payload + message->len;
}

int main(int count, char **words) {
    if (count < 6) return fprintf(stderr, "usage: bare-consumer BROKERS TOPIC PARTITIONS PASSES received|copied|headers\n"), 64;
    int partitions = atoi(words[3]), passes = atoi(words[4]), headers = !strcmp(words[5], "headers"), copies = headers || !strcmp(words[5], "copied");
    long records = 0, bytes = 0;
    double began = wall(), spent = processor();
    for (int pass = 0; pass < passes; pass++) {
        char trouble[512];
        /* As Sources/KafkaLog/ClientProperties.swift sets them. */
        const char *settings[] = {
            "bootstrap.servers", words[1], "enable.partition.eof", "true", "check.crcs", "true", "isolation.level", "read_committed",
            "auto.offset.reset", "error", "fetch.error.backoff.ms", "100"};
        rd_kafka_conf_t *configuration = rd_kafka_conf_new();
        for (size_t i = 0; i < sizeof settings / sizeof *settings; i += 2)
            if (rd_kafka_conf_set(configuration, settings[i], settings[i + 1], trouble, sizeof trouble) != RD_KAFKA_CONF_OK)
                return fprintf(stderr, "%s\n", trouble), 78;
        for (int i = 6; i + 1 < count; i += 2)
            if (rd_kafka_conf_set(configuration, words[i], words[i + 1], trouble, sizeof trouble) != RD_KAFKA_CONF_OK)
                return fprintf(stderr, "%s\n", trouble), 78;
        rd_kafka_t *client = rd_kafka_new(RD_KAFKA_CONSUMER, configuration, trouble, sizeof trouble);
        if (!client) return fprintf(stderr, "%s\n", trouble), 78;
        rd_kafka_topic_t *topic = rd_kafka_topic_new(client, words[2], NULL);
        rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
        for (int partition = 0; partition < partitions; partition++) rd_kafka_consume_start_queue(topic, partition, 0, queue);
        rd_kafka_message_t *messages[AT_ONCE];
        for (int ended = 0; ended < partitions;) {
            ssize_t found = rd_kafka_consume_batch_queue(queue, 10, messages, AT_ONCE);
            for (ssize_t i = 0; i < found; i++) {
                if (messages[i]->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
                    records++;
                    bytes += (long)messages[i]->len;
                    if (copies) keep(messages[i]);
                    rd_kafka_headers_t *list;
                    if (headers && rd_kafka_message_headers(messages[i], &list) == RD_KAFKA_RESP_ERR_NO_ERROR)
                        return fprintf(stderr, "headers at offset %ld\n", (long)messages[i]->offset), 65;
                } else if (messages[i]->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
                    ended++;
                }
                rd_kafka_message_destroy(messages[i]);
            }
        }
        for (int partition = 0; partition < partitions; partition++) rd_kafka_consume_stop(topic, partition);
        rd_kafka_queue_destroy(queue);
        rd_kafka_topic_destroy(topic);
        rd_kafka_destroy(client);
    }
    printf("%ld %ld %f %f\n", records, bytes, wall() - began, processor() - spent);
    return 0;
}
