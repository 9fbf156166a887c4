// For mallopt(3): where the messages lie.
#include <malloc.h>
#include <librdkafka/rdkafka.h>
