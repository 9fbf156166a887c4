import ParallaxCore

/// How the process ends, in the numbers of sysexits.h. The table in docs/reference/exit-codes.md says the same; a test compares them.
enum ExitStatus {
    static let success: Int32 = 0
    /// As diff and cmp say it: the question was answered, and the two are not the same.
    static let differs: Int32 = 1
    /// 128 + SIGINT, as a shell reports it.
    static let interrupted: Int32 = 130

    static func of(_ code: ParallaxError.Code) -> Int32 {
        switch code {
        // code                  number  sysexits.h
        case .usage: 64  //              EX_USAGE
        case .definition: 65  //         EX_DATAERR
        case .input: 65  //              EX_DATAERR
        case .corrupt: 65  //            EX_DATAERR
        case .offsetGone: 65  //         EX_DATAERR
        case .anotherLog: 65  //         EX_DATAERR
        case .missing: 66  //            EX_NOINPUT
        case .notInstalled: 69  //       EX_UNAVAILABLE
        case .unavailable: 69  //        EX_UNAVAILABLE
        case .database: 69  //           EX_UNAVAILABLE
        case .internalInconsistency: 70  // EX_SOFTWARE
        case .limit: 71  //              EX_OSERR
        case .disk: 74  //               EX_IOERR
        case .busy: 75  //               EX_TEMPFAIL
        case .conflict: 75  //           EX_TEMPFAIL
        case .fenced: 75  //             EX_TEMPFAIL
        case .configuration: 78  //      EX_CONFIG
        case .cancelled: interrupted  // 128 + SIGINT
        }
    }
}

/// Several problems, each in its final form: they are printed as they are, and the process ends with the code's number.
struct ReportedProblems: Error {
    var code: ParallaxError.Code
    var texts: [String]
}
