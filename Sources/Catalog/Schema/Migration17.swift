/// Who may ask the HTTP API, and who decided what.
let migration17 = Migration(
    number: 17, name: "tokens and audit",
    sql: """
        CREATE TABLE parallax.token (
            token_id     integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            -- As people and the audit call it.
            name         text NOT NULL,
            -- SHA-256 of the token, in hex. The token itself is nowhere: 256 random bits need no salt and no slow hash.
            hash         text NOT NULL UNIQUE,
            scopes       text[] NOT NULL,
            -- Null: all of them, those to come included.
            views        text[],
            sources      text[],
            created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
            created_by   text NOT NULL,
            -- Null: never.
            expires_at   timestamptz,
            revoked_at   timestamptz,
            -- To the minute.
            last_used_at timestamptz
        ) WITH (fillfactor = 50);
        CREATE UNIQUE INDEX ON parallax.token (name) WHERE revoked_at IS NULL;
        COMMENT ON TABLE parallax.token IS 'Tokens of the HTTP API. A revoked one stays: its name stands in the audit, and a server that once asked for tokens goes on asking.';

        CREATE TABLE parallax.audit (
            audit_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            at       timestamptz NOT NULL DEFAULT clock_timestamp(),
            -- token:<name>, cli:<user of the operating system>, or anonymous.
            caller   text NOT NULL,
            -- The machine that the command ran on, or the address that the request came from.
            place    text NOT NULL,
            action   text NOT NULL,
            subject  text NOT NULL
        );
        COMMENT ON TABLE parallax.audit IS 'What people decided: written in the transaction that does it.';
        """)
