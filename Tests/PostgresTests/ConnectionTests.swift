import ParallaxCore
import Postgres
import TestSupport
import Testing

@Suite struct ConnectionTests {
    @Test func roundTrip() throws {
        let connection = try Connection(TestCluster.shared.freshDatabase())
        let result = try connection.query(
            "SELECT $1::bigint + 1, $2::text, $3::text[]", [.int(41), .text("a"), .texts(["x,\"\\}", "NULL", ""])])
        #expect(result.rows.first?.values == ["42", "a", #"{"x,\"\\}","NULL",""}"#])
    }
}
