// JDBC, with PostgreSQL's own driver, as a program of a company would use it: prepared statements, metadata, cursors, types, LISTEN, and what it must
// do where a view changes under it.
//
//     java -cp /usr/share/java/postgresql.jar Tests/Clients/jdbc/JDBC.java      (PARALLAX and PARALLAX_PIPELINE are set; scripts/test-clients does it)

import java.io.IOException;
import java.math.BigDecimal;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.*;
import java.time.*;
import java.util.*;
import java.util.concurrent.atomic.*;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;
import org.postgresql.PGStatement;
import org.postgresql.util.PGInterval;

public class JDBC {
    static final Path pipeline = Path.of(System.getenv("PARALLAX_PIPELINE"));
    static final Instant start = Instant.parse("2026-03-01T00:00:00Z");
    static int failed = 0;
    static int sold = 0;

    public static void main(String[] arguments) throws Exception {
        try (Connection connection = connect(Map.of())) {
            var metadata = connection.getMetaData();
            System.out.println("  driver " + metadata.getDriverVersion() + ", PostgreSQL " + metadata.getDatabaseProductVersion());
        }
        sell(120);
        parallax("batch", "run");
        sell(30);
        types();
        metadata();
        preparedStatements();
        preparedStatementsDuringPublications();
        cursor();
        notifications();
        anotherVersion();
        System.exit(failed == 0 ? 0 : 1);
    }

    // What drivers make of the types, in the batch layer's rows and in live ones.
    static void types() throws Exception {
        ingest(
            """
            {"id": -1, "at": "2026-02-01T10:00:00.123456+02:00", "shop": "typed", "product": "Schraube M4 · 日本", "amount": "2.50", "paid": true, "day": "2026-02-01", "local": "2026-02-01T11:30:00", "pause": "1 month 2 days 03:04:05.6", "receipt": "0190a000-0000-7000-8000-000000000001", "details": {"a": [1, 2.50]}, "tags": ["x", null, "y,z"], "scores": [3, null, 1], "weight": 0.1}
            {"id": -2, "at": "2026-02-01T00:00:00Z", "shop": "null"}
            """);
        for (String layer : List.of("live", "batch")) {
            try (Connection connection = connect(Map.of());
                    PreparedStatement statement = connection.prepareStatement("SELECT * FROM newest_sale WHERE shop = ?")) {
                // More often than prepareThreshold: then the driver reads values in PostgreSQL's binary form.
                for (int turn = 1; turn <= 7; turn++) {
                    String words = " (" + layer + " rows, execution " + turn + ")";
                    boolean shown = turn == 7;
                    statement.setString(1, "typed");
                    try (ResultSet row = statement.executeQuery()) {
                        row.next();
                        check(shown, "timestamptz is an OffsetDateTime, to the microsecond" + words,
                            row.getObject("at", OffsetDateTime.class).toInstant(), Instant.parse("2026-02-01T08:00:00.123456Z"));
                        check(shown, "numeric is a BigDecimal with its scale" + words, row.getBigDecimal("amount"), new BigDecimal("2.50"));
                        check(shown, "text" + words, row.getString("product"), "Schraube M4 · 日本");
                        check(shown, "boolean" + words, row.getObject("paid"), true);
                        check(shown, "date is a LocalDate" + words, row.getObject("day", LocalDate.class), LocalDate.of(2026, 2, 1));
                        check(shown, "timestamp is a LocalDateTime" + words, row.getObject("local", LocalDateTime.class),
                            LocalDateTime.of(2026, 2, 1, 11, 30));
                        check(shown, "interval is a PGInterval" + words, row.getObject("pause"), new PGInterval("1 mon 2 days 03:04:05.6"));
                        check(shown, "uuid is a UUID" + words, row.getObject("receipt"), UUID.fromString("0190a000-0000-7000-8000-000000000001"));
                        check(shown, "jsonb is text in PostgreSQL's form" + words, row.getString("details"), "{\"a\": [1, 2.50]}");
                        check(shown, "text[] is a String[] with its null" + words,
                            Arrays.asList((String[]) row.getArray("tags").getArray()), Arrays.asList("x", null, "y,z"));
                        check(shown, "integer[] is an Integer[] with its null" + words,
                            Arrays.asList((Integer[]) row.getArray("scores").getArray()), Arrays.asList(3, null, 1));
                        check(shown, "double precision is a Double" + words, row.getObject("weight"), 0.1);
                        check(shown, "is_exact is true" + words, row.getBoolean("is_exact"), true);
                    }
                    statement.setString(1, "null");
                    try (ResultSet row = statement.executeQuery()) {
                        row.next();
                        List<String> others = new ArrayList<>();
                        for (int column = 1; column <= row.getMetaData().getColumnCount(); column++) {
                            if (row.getObject(column) != null) others.add(row.getMetaData().getColumnName(column));
                        }
                        check(shown, "nulls are nulls" + words, others, List.of("shop", "id", "at", "is_exact", "is_closed"));
                        check(shown, "a null number is 0 with wasNull" + words, row.getDouble("weight") == 0 && row.wasNull(), true);
                    }
                }
            }
            if (layer.equals("live")) parallax("batch", "run");
        }
    }

    // What tools ask to draw a tree of tables.
    static void metadata() throws Exception {
        try (Connection connection = connect(Map.of())) {
            DatabaseMetaData metadata = connection.getMetaData();
            List<String> tables = new ArrayList<>();
            try (ResultSet rows = metadata.getTables(null, "serving", "%", new String[] {"TABLE", "VIEW"})) {
                while (rows.next()) tables.add(rows.getString("TABLE_NAME") + " " + rows.getString("TABLE_TYPE"));
            }
            check("getTables lists the views and their changes",
                tables.containsAll(List.of("newest_sale VIEW", "newest_sale_changes VIEW", "sales_by_hour VIEW", "sales_by_shop VIEW")), true);
            List<String> columns = new ArrayList<>();
            try (ResultSet rows = metadata.getColumns(null, "serving", "sales\\_by\\_hour", "%")) {
                while (rows.next()) {
                    columns.add(rows.getString("COLUMN_NAME") + " " + rows.getString("TYPE_NAME") + " "
                        + JDBCType.valueOf(rows.getInt("DATA_TYPE")));
                }
            }
            check("getColumns names columns and types", columns,
                List.of("hour timestamptz TIMESTAMP", "shop text VARCHAR", "sales int8 BIGINT", "revenue numeric NUMERIC", "products int8 BIGINT",
                    "weight float8 DOUBLE", "is_exact bool BIT", "is_closed bool BIT"));
            List<String> functions = new ArrayList<>();
            try (ResultSet rows = metadata.getFunctions(null, "serving", "%")) {
                while (rows.next()) functions.add(rows.getString("FUNCTION_NAME"));
            }
            check("getFunctions lists the roll-ups", functions, List.of("newest_sale_rollup", "sales_by_hour_rollup", "sales_by_shop_rollup"));
            try (PreparedStatement statement = connection.prepareStatement("SELECT hour, revenue FROM sales_by_hour WHERE shop = ?")) {
                check("a statement's columns are known before it is executed", statement.getMetaData().getColumnTypeName(2), "numeric");
                check("its parameters, too", statement.getParameterMetaData().getParameterTypeName(1), "text");
            }
        }
    }

    // A plan that PostgreSQL keeps must go on to the next run's rows by itself.
    static void preparedStatements() throws Exception {
        for (String planCacheMode : List.of("auto", "force_generic_plan")) {
            try (Connection connection = connect(Map.of("options", "-c plan_cache_mode=" + planCacheMode));
                    PreparedStatement statement = connection.prepareStatement(
                        "SELECT sum(sales), sum(revenue) FROM sales_by_hour WHERE shop = ? AND hour >= ?")) {
                for (int turn = 0; turn < 12; turn++) {
                    if (turn == 7) sell(5);
                    if (turn == 9) parallax("batch", "run");
                    if (turn == 10) sell(5);
                    statement.setString(1, "shop 1");
                    statement.setObject(2, start.plusSeconds(3600).atOffset(ZoneOffset.UTC));
                    String expected = inShopOne(3600) + " " + new BigDecimal("2.50").multiply(BigDecimal.valueOf(inShopOne(3600)));
                    try (ResultSet row = statement.executeQuery()) {
                        row.next();
                        check(turn > 6, "plan_cache_mode " + planCacheMode + ", execution " + (turn + 1) + ": live and batch rows are all there",
                            row.getLong(1) + " " + row.getBigDecimal(2), expected);
                    }
                }
                check("the driver has prepared it on the server (" + planCacheMode + ")", statement.unwrap(PGStatement.class).isUseServerPrepare(), true);
                try (ResultSet plans = connection.createStatement().executeQuery(
                        "SELECT generic_plans + custom_plans, generic_plans FROM pg_prepared_statements WHERE statement LIKE '%sum(revenue)%'")) {
                    plans.next();
                    // (The first executions are of an unnamed statement.)
                    check("the server has executed it as such (" + planCacheMode + ")", plans.getInt(1) >= 7, true);
                    if (planCacheMode.equals("force_generic_plan")) check("all by one plan", plans.getInt(2), plans.getInt(1));
                }
            }
        }
    }

    // One connection asks all the time; three publications go by.
    static void preparedStatementsDuringPublications() throws Exception {
        var isDone = new AtomicBoolean();
        var problem = new AtomicReference<String>();
        var answers = new AtomicInteger();
        var seen = new AtomicLong();
        Thread reader = new Thread(() -> {
            try (Connection connection = connect(Map.of());
                    PreparedStatement statement = connection.prepareStatement(
                        "SELECT sum(sales), sum(revenue), (SELECT sum(sales) FROM sales_by_shop WHERE shop LIKE ?) FROM sales_by_hour WHERE shop LIKE ?")) {
                boolean last = false;
                while (!last) {
                    last = isDone.get();
                    statement.setString(1, "shop %");
                    statement.setString(2, "shop %");
                    try (ResultSet row = statement.executeQuery()) {
                        row.next();
                        long sales = row.getLong(1);
                        if (sales < seen.get()) throw new IllegalStateException(sales + " sales after " + seen.get());
                        if (row.getBigDecimal(2).compareTo(new BigDecimal("2.50").multiply(BigDecimal.valueOf(sales))) != 0)
                            throw new IllegalStateException(sales + " sales with a revenue of " + row.getBigDecimal(2));
                        if (row.getLong(3) != sales) throw new IllegalStateException(sales + " sales by hour, " + row.getLong(3) + " by shop");
                        seen.set(sales);
                    }
                    answers.incrementAndGet();
                }
            } catch (Exception error) {
                problem.set(error.toString());
            }
        });
        reader.start();
        for (int turn = 0; turn < 3; turn++) {
            sell(40);
            parallax("batch", "run");
        }
        isDone.set(true);
        reader.join();
        check("every answer during publications was whole", problem.get(), null);
        check("and there were enough of them to say so", answers.get() > 20, true);
        check("the last one has all sales", seen.get(), (long) sold);
    }

    // Rows by a cursor stay those of its transaction.
    static void cursor() throws Exception {
        try (Connection connection = connect(Map.of())) {
            connection.setAutoCommit(false);
            try (PreparedStatement statement = connection.prepareStatement("SELECT sales FROM sales_by_hour WHERE shop LIKE 'shop %' ORDER BY hour, shop")) {
                statement.setFetchSize(10);
                long rows = 0, total = 0;
                int before = sold;
                try (ResultSet sales = statement.executeQuery()) {
                    while (sales.next()) {
                        rows += 1;
                        total += sales.getLong(1);
                        if (rows != 15) continue;
                        try (ResultSet cursors = connection.createStatement().executeQuery("SELECT count(*) FROM pg_cursors")) {
                            cursors.next();
                            check("with a fetch size the rows come by a cursor", cursors.getInt(1) >= 1, true);
                        }
                        sell(20);
                        parallax("batch", "run");
                    }
                }
                check("there were more rows than one fetch", rows > 30, true);
                check("a cursor over a publication has the rows of its beginning", total, (long) before);
            }
            connection.commit();
        }
    }

    static void notifications() throws Exception {
        try (Connection connection = connect(Map.of()); Statement statement = connection.createStatement()) {
            String channel;
            long change;
            try (ResultSet row = statement.executeQuery(
                    "SELECT channel, parallax.change(view) FROM parallax.followed_view WHERE view = 'sales_by_hour'")) {
                row.next();
                channel = row.getString(1);
                change = row.getLong(2);
            }
            check("followed_view names the channel", channel, "serving.sales_by_hour");
            statement.execute("LISTEN \"" + channel + "\"");
            sell(3);
            String flush = notification(connection, channel, "flush");
            check("a flush is heard of", flush.contains("\"view\""), true);
            try (PreparedStatement changes = connection.prepareStatement(
                    "SELECT count(*), sum(sales) FROM sales_by_hour_changes WHERE change > ? AND operation = 'upsert'")) {
                changes.setLong(1, change);
                try (ResultSet row = changes.executeQuery()) {
                    row.next();
                    check("and serving.sales_by_hour_changes has its rows", row.getInt(1) >= 1, true);
                }
            }
            parallax("batch", "run");
            check("a publication is heard of", notification(connection, channel, "publication").contains("\"run\""), true);
        }
    }

    /// Waits at most a minute for one of that kind.
    static String notification(Connection connection, String channel, String kind) throws SQLException {
        List<String> others = new ArrayList<>();
        Instant until = Instant.now().plusSeconds(60);
        while (Instant.now().isBefore(until)) {
            PGNotification[] heard = connection.unwrap(PGConnection.class).getNotifications(1000);
            for (PGNotification one : heard == null ? new PGNotification[0] : heard) {
                if (one.getName().equals(channel) && one.getParameter().contains("\"" + kind + "\"")) return one.getParameter();
                others.add(one.getName() + " " + one.getParameter());
            }
        }
        return "nothing of a " + kind + ", but " + others;
    }

    // A view gets another version, with another column. What a program must do is docs/clients.md's.
    static void anotherVersion() throws Exception {
        String question = "SELECT * FROM sales_by_shop WHERE shop = 'shop 1'";
        try (Connection old = connect(Map.of()); Connection kept = connect(Map.of());
                Connection open = connect(Map.of());
                PreparedStatement prepared = kept.prepareStatement(question); PreparedStatement inTransaction = open.prepareStatement(question)) {
            for (int turn = 0; turn < 8; turn++) {
                prepared.executeQuery().close();
                inTransaction.executeQuery().close();
            }
            old.setAutoCommit(false);
            old.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
            // The snapshot is taken by the first statement, whatever it reads.
            old.createStatement().executeQuery("SELECT * FROM parallax.frontier").close();

            Path views = pipeline.resolve("views.sql");
            String text = Files.readString(views);
            Files.writeString(views, text.replace("SELECT shop, count(*) AS sales, sum(amount) AS revenue FROM",
                "SELECT shop, count(*) AS sales, sum(amount) AS revenue, max(at) AS newest FROM"));
            parallax("apply", "--yes");
            parallax("batch", "run");

            String state = "none";
            try {
                old.createStatement().executeQuery(question);
            } catch (SQLException error) {
                state = error.getSQLState();
            }
            check("a snapshot from before a view's new version: SQLSTATE 40001", state, "40001");
            int tries = 0;
            List<String> columns = new ArrayList<>();
            while (columns.isEmpty()) {
                old.rollback();
                tries += 1;
                try (ResultSet row = old.createStatement().executeQuery(question)) {
                    for (int column = 1; column <= row.getMetaData().getColumnCount(); column++) columns.add(row.getMetaData().getColumnName(column));
                    old.commit();
                } catch (SQLException error) {
                    if (!"40001".equals(error.getSQLState()) || tries == 10) throw error;
                }
            }
            List<String> newColumns = List.of("shop", "sales", "revenue", "is_exact", "is_closed", "newest");
            check("begun anew it has the new version, with the new column last", columns, newColumns);
            check("at the first try", tries, 1);

            // PostgreSQL refuses a prepared statement whose result has other columns now (0A000); the driver prepares it anew where it may.
            try (ResultSet row = prepared.executeQuery()) {
                check("SELECT *, prepared before: the driver prepares it anew", row.getMetaData().getColumnCount(), newColumns.size());
            }
            open.setAutoCommit(false);
            state = "none";
            try {
                inTransaction.executeQuery().close();
            } catch (SQLException error) {
                state = error.getSQLState();
            }
            check("in a transaction it cannot: SQLSTATE 0A000", state, "0A000");
            open.rollback();
            try (ResultSet row = inTransaction.executeQuery()) {
                check("and begun anew it does", row.getMetaData().getColumnCount(), newColumns.size());
            }
            open.commit();
        }
    }

    // --- what the checks share

    static Connection connect(Map<String, String> properties) throws SQLException, IOException, InterruptedException {
        // postgresql://user:password@host:port/database: the driver takes user and password apart.
        URI url = URI.create(parallax("dsn", "--tcp", "--url"));
        Properties all = new Properties();
        all.putAll(properties);
        all.put("user", url.getUserInfo().split(":")[0]);
        all.put("password", url.getUserInfo().split(":")[1]);
        return DriverManager.getConnection("jdbc:postgresql://" + url.getHost() + ":" + url.getPort() + url.getPath(), all);
    }

    /// So many sales of 2.50 more, four an hour, in three shops. Returns when readers see them.
    static void sell(int count) throws IOException, InterruptedException {
        StringBuilder lines = new StringBuilder();
        for (int id = sold; id < sold + count; id++) {
            lines.append(String.format("{\"id\": %d, \"at\": \"%s\", \"shop\": \"shop %d\", \"product\": \"p%d\", \"amount\": \"2.50\", \"weight\": 1.5}%n",
                id, start.plusSeconds(900L * id), id % 3, id % 7));
        }
        ingest(lines.toString());
        sold += count;
    }

    /// Sales of shop 1 at or after so many seconds.
    static long inShopOne(int seconds) {
        long count = 0;
        for (int id = 0; id < sold; id++) if (id % 3 == 1 && 900L * id >= seconds) count += 1;
        return count;
    }

    static void ingest(String lines) throws IOException, InterruptedException {
        Path file = Files.createTempFile(pipeline, "sales", ".ndjson");
        Files.writeString(file, lines);
        String answer = parallax("ingest", "sale", file.toString(), "--json");
        Files.delete(file);
        parallax("wait", "--timeout", "60s", answer.replaceAll("(?s).*\"token\"\\s*:\\s*\"([^\"]+)\".*", "$1"));
    }

    static String parallax(String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(System.getenv("PARALLAX")));
        command.addAll(List.of(arguments));
        Process process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes());
        if (process.waitFor() != 0) throw new IOException(String.join(" ", command) + " ended with " + process.exitValue() + ": " + output);
        return output.strip();
    }

    static void check(String words, Object found, Object expected) { check(true, words, found, expected); }

    /// - shown: say it also where it is right.
    static void check(boolean shown, String words, Object found, Object expected) {
        if (Objects.equals(found, expected)) {
            if (shown) System.out.println("  ok      " + words);
        } else {
            failed += 1;
            System.out.println("  FAILED  " + words + ": " + found + ", not " + expected);
        }
    }
}
