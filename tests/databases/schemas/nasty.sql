CREATE TYPE mood AS ENUM ('sad', 'so-so', 'it''s fine');
CREATE DOMAIN sku AS text NOT NULL CHECK (VALUE ~ '^[A-Z]{3}-[0-9]{4}$');
CREATE DOMAIN share AS numeric(5, 4) CHECK (VALUE >= 0 AND VALUE <= 1);
CREATE TABLE "Tenants" (
    "tenant id" uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    "Name" varchar(30) NOT NULL,
    plan text NOT NULL DEFAULT 'free' CHECK (plan = 'free' OR plan = 'pro')
);
CREATE TABLE users (
    tenant_id uuid NOT NULL REFERENCES "Tenants",
    id integer GENERATED ALWAYS AS IDENTITY,
    mail text NOT NULL,
    mood mood,
    active boolean NOT NULL DEFAULT true,
    manager_id integer,
    tags text[] NOT NULL DEFAULT '{}',
    moods mood[],
    settings jsonb NOT NULL CHECK (jsonb_typeof(settings) = 'object'),
    born date CHECK (born <= CURRENT_DATE),
    joined timestamptz NOT NULL,
    left_at timestamptz,
    nap interval,
    wakes time,
    address inet,
    photo bytea,
    mask bit(4),
    home point,
    commission share,
    name_length integer GENERATED ALWAYS AS (length(mail)) STORED,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (id),
    CHECK (left_at > joined),
    CHECK (length(mail) >= 5 AND length(mail) < 60),
    FOREIGN KEY (manager_id) REFERENCES users (id)
);
CREATE UNIQUE INDEX users_mail ON users (lower(mail));
CREATE UNIQUE INDEX users_mood ON users (tenant_id, address) WHERE active;
CREATE TABLE invoices (
    id serial PRIMARY KEY,
    order_id integer NOT NULL,
    amount numeric(12, 2) NOT NULL CHECK (amount > 0 AND amount < 100000)
);
CREATE TABLE orders (
    id serial PRIMARY KEY,
    invoice_id integer NOT NULL REFERENCES invoices (id) DEFERRABLE INITIALLY DEFERRED,
    tenant_id uuid,
    user_id integer,
    cash numeric(10, 2),
    card numeric(10, 2),
    code sku UNIQUE,
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) MATCH FULL,
    CHECK ((cash IS NULL) <> (card IS NULL)),
    CHECK (id % 1 = 0)
);
ALTER TABLE invoices ADD CONSTRAINT invoices_order
    FOREIGN KEY (order_id) REFERENCES orders (id) DEFERRABLE INITIALLY DEFERRED;
CREATE TABLE lines (
    order_id integer NOT NULL REFERENCES orders (id),
    line_no smallint NOT NULL,
    note varchar(12),
    PRIMARY KEY (order_id, line_no)
);
CREATE TABLE profiles (
    user_id integer PRIMARY KEY REFERENCES users (id),
    motto varchar(200) CHECK (motto LIKE 'To %')
);
CREATE TABLE rooms (
    id serial PRIMARY KEY,
    root_id integer NOT NULL REFERENCES rooms (id)
);
CREATE TABLE bookings (
    room_id integer NOT NULL REFERENCES rooms (id),
    during tstzrange NOT NULL,
    EXCLUDE USING gist (during WITH &&)
);
CREATE TABLE events (
    id bigint NOT NULL,
    happened date NOT NULL CHECK (happened >= '2020-01-01'),
    PRIMARY KEY (id, happened)
) PARTITION BY RANGE (happened);
CREATE TABLE events_old PARTITION OF events FOR VALUES FROM ('2000-01-01') TO ('2023-01-01');
CREATE TABLE events_new PARTITION OF events FOR VALUES FROM ('2023-01-01') TO ('2100-01-01');
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.note := coalesce(NEW.note, 'stamped');
    RETURN NEW;
END $$;
CREATE TRIGGER lines_stamp BEFORE INSERT ON lines FOR EACH ROW EXECUTE FUNCTION stamp();
