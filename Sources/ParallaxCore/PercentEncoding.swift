/// As in a URL: letters, digits and `-._~` stay as they are, and so does what is named.
public func percentEncoded(_ text: String, keeping others: String = "") -> String {
    var output = ""
    for byte in text.utf8 {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            output.unicodeScalars.append(UnicodeScalar(byte))
        case _ where "-._~".utf8.contains(byte) || others.utf8.contains(byte): output.unicodeScalars.append(UnicodeScalar(byte))
        default:
            let digits = String(byte, radix: 16, uppercase: true)
            output += "%" + (digits.count == 1 ? "0" : "") + digits
        }
    }
    return output
}
