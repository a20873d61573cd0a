-- The four login roles of the marketplace. Run as a superuser inside the database they are to use:
--   createdb marketplace && psql --dbname marketplace --file sandbox/roles.sql
-- It can be run again at any time. Passwords are set afterwards (ALTER ROLE … PASSWORD, or \password in psql).
-- None of the four is a superuser and none sees through row-level security; what each may do with which table
-- is granted by the migrations, which marketplace_owner runs.

DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY[
        'marketplace_owner', 'marketplace_app', 'marketplace_sequencer', 'marketplace_reader'
    ] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            EXECUTE format('CREATE ROLE %I', wanted);
        END IF;
        EXECUTE format(
            'ALTER ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS', wanted
        );
    END LOOP;

    EXECUTE format('ALTER DATABASE %I OWNER TO marketplace_owner', current_database());
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format(
        'GRANT CONNECT ON DATABASE %I TO marketplace_owner, marketplace_app, marketplace_sequencer, marketplace_reader',
        current_database()
    );
    ALTER SCHEMA public OWNER TO marketplace_owner;
    REVOKE ALL ON SCHEMA public FROM PUBLIC;
    GRANT USAGE ON SCHEMA public TO marketplace_app, marketplace_sequencer, marketplace_reader;
END
$$;
