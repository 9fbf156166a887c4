import CKafka
import ParallaxCore

/// librdkafka's error codes in our words. Codes and sentinels stop here.
struct KafkaError: Sendable, Hashable {
    let code: rd_kafka_resp_err_t

    init(_ code: rd_kafka_resp_err_t) { self.code = code }

    static let none = KafkaError(RD_KAFKA_RESP_ERR_NO_ERROR)

    /// Takes over librdkafka's error object; nil is no error.
    static func take(_ error: OpaquePointer?) -> KafkaError {
        guard let error else { return .none }
        defer { rd_kafka_error_destroy(error) }
        return KafkaError(rd_kafka_error_code(error))
    }

    /// Broker: Unknown topic or partition (UNKNOWN_TOPIC_OR_PART)
    var words: String { "\(String(cString: rd_kafka_err2str(code))) (\(String(cString: rd_kafka_err2name(code))))" }

    var kind: ParallaxError.Code {
        switch code {
        case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE: .offsetGone
        case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC: .missing
        case RD_KAFKA_RESP_ERR__AUTHENTICATION, RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED, RD_KAFKA_RESP_ERR__SSL,
            RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED,
            RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM,
            RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL, RD_KAFKA_RESP_ERR__INVALID_ARG, RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
            .configuration
        case RD_KAFKA_RESP_ERR__BAD_MSG, RD_KAFKA_RESP_ERR__BAD_COMPRESSION, RD_KAFKA_RESP_ERR_INVALID_MSG: .corrupt
        case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE: .limit
        case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID: .fenced
        default: .unavailable
        }
    }

    func parallaxError(_ message: String, detail: String? = nil, hint: String? = nil) -> ParallaxError {
        ParallaxError(kind, message, detail: [words, detail].compactMap { $0 }.joined(separator: "\n"), hint: hint ?? self.hint)
    }

    /// What a person may do about it.
    var hint: String? {
        switch code {
        case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
            return "Give its user the right on the topic: READ to read it, WRITE to append to it."
        case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
            return "Give its user WRITE on the topic; brokers before 2.8 also want IDEMPOTENT_WRITE on the cluster."
        default: break
        }
        return switch kind {
        case .configuration: "Check log.kafka.properties (security, access) and the cluster's access rules."
        case .unavailable: "Is log.kafka.brokers right, and are the brokers up?"
        default: nil
        }
    }
}
