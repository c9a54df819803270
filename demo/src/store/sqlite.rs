//! The database's statements; every function here blocks.

use crate::order::{NewOrder, Order};
use rusqlite::{Connection, OptionalExtension, Row, named_params};
use std::path::Path;
use std::time::Duration;
use telemetry_runtime::instrument;

/// How long to wait for another process that holds the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);

/// The spans' `db.system.name`, from OpenTelemetry's list of database systems.
const SYSTEM: &str = "sqlite";

const SCHEMA: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    CREATE TABLE IF NOT EXISTS orders (
        id         INTEGER PRIMARY KEY AUTOINCREMENT,
        item       TEXT NOT NULL,
        quantity   INTEGER NOT NULL,
        created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
    ) STRICT;
";
const INSERT: &str =
    "INSERT INTO orders (item, quantity) VALUES (:item, :quantity) RETURNING id, item, quantity, created_at";
const FIND: &str = "SELECT id, item, quantity, created_at FROM orders WHERE id = :id";
const LIST: &str =
    "SELECT id, item, quantity, created_at FROM orders ORDER BY id LIMIT :limit OFFSET :offset";

pub(super) fn open(file: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(file)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.execute_batch(SCHEMA)?;
    Ok(connection)
}

#[instrument(
    name = "INSERT orders",
    kind = "client",
    skip_all,
    fields(
        db.system.name = SYSTEM,
        db.operation.name = "INSERT",
        db.collection.name = "orders",
        db.query.text = INSERT,
    )
)]
pub(super) fn insert(connection: &Connection, order: &NewOrder) -> rusqlite::Result<Order> {
    let parameters = named_params! { ":item": order.item, ":quantity": order.quantity };
    connection.prepare_cached(INSERT)?.query_one(parameters, from_row)
}

#[instrument(
    name = "SELECT orders",
    kind = "client",
    skip_all,
    fields(
        db.system.name = SYSTEM,
        db.operation.name = "SELECT",
        db.collection.name = "orders",
        db.query.text = FIND,
    )
)]
pub(super) fn find(connection: &Connection, id: i64) -> rusqlite::Result<Option<Order>> {
    connection.prepare_cached(FIND)?.query_one(named_params! { ":id": id }, from_row).optional()
}

#[instrument(
    name = "SELECT orders",
    kind = "client",
    skip_all,
    fields(
        db.system.name = SYSTEM,
        db.operation.name = "SELECT",
        db.collection.name = "orders",
        db.query.text = LIST,
    )
)]
pub(super) fn list(connection: &Connection, limit: u32, offset: u32) -> rusqlite::Result<Vec<Order>> {
    let parameters = named_params! { ":limit": limit, ":offset": offset };
    connection.prepare_cached(LIST)?.query_map(parameters, from_row)?.collect()
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Order> {
    Ok(Order {
        id: row.get("id")?,
        item: row.get("item")?,
        quantity: row.get("quantity")?,
        created_at: row.get("created_at")?,
    })
}
