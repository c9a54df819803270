//! Where the orders are kept: an SQLite file, reached from async code without blocking it.

mod directory;
mod sqlite;

use crate::order::{NewOrder, Order};
use directory::Directory;
use rusqlite::Connection;
use std::error::Error;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use telemetry_runtime::{InCurrentSpanOnce, instrument};

/// The orders. Clones share them; the last one to go closes the file.
#[derive(Clone, Debug)]
pub(crate) struct Store(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    // Before the directory, so that the file is closed before a temporary directory goes.
    connection: Mutex<Connection>,
    directory: Directory,
}

/// The store failed.
#[derive(Debug)]
pub(crate) struct StoreError {
    message: String,
    source: Box<dyn Error + Send + Sync>,
}

impl Store {
    /// The orders in that directory, or none yet in a temporary one.
    ///
    /// # Errors
    /// When the directory or the file in it cannot be made or opened.
    pub(crate) fn open(data_dir: Option<&Path>) -> Result<Self, StoreError> {
        let directory = Directory::create(data_dir)?;
        let file = directory.path().join("orders.db");
        let connection = sqlite::open(&file)
            .map_err(|error| StoreError::new(format!("cannot open {}", file.display()), error))?;
        Ok(Self(Arc::new(Inner { connection: Mutex::new(connection), directory })))
    }

    /// Keeps a new order.
    #[instrument(name = "store.insert")]
    pub(crate) async fn insert(&self, order: NewOrder) -> Result<Order, StoreError> {
        self.blocking(move |connection| sqlite::insert(connection, &order)).await
    }

    /// The order of that number, if there is one.
    #[instrument(name = "store.find", skip(id), fields(order.id = id))]
    pub(crate) async fn find(&self, id: i64) -> Result<Option<Order>, StoreError> {
        self.blocking(move |connection| sqlite::find(connection, id)).await
    }

    /// At most `limit` orders, the oldest first, after the first `offset`.
    #[instrument(name = "store.list")]
    pub(crate) async fn list(&self, limit: u32, offset: u32) -> Result<Vec<Order>, StoreError> {
        self.blocking(move |connection| sqlite::list(connection, limit, offset)).await
    }

    /// Runs the work on a thread that may block.
    async fn blocking<T, W>(&self, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let inner = Arc::clone(&self.0);
        let work = move || work(&inner.connection.lock().unwrap_or_else(PoisonError::into_inner));
        tokio::task::spawn_blocking(work.in_current_span())
            .await
            .map_err(|error| StoreError::new("the store's thread ended early", error))?
            .map_err(|error| StoreError::new("the database refused", error))
    }
}

impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.directory.fmt(f)
    }
}

impl StoreError {
    fn new(message: impl Into<String>, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { message: message.into(), source: source.into() }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.message, self.source)
    }
}

impl Error for StoreError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(item: &str) -> NewOrder {
        NewOrder { item: item.to_owned(), quantity: 1 }
    }

    #[tokio::test]
    async fn finds_what_was_inserted() {
        let store = Store::open(None).expect("a temporary store");

        let placed = store.insert(order("tea'); DROP TABLE orders; --")).await.expect("it is kept");

        assert_eq!(store.find(placed.id).await.expect("it is read"), Some(placed.clone()));
        assert_eq!(store.find(placed.id + 1).await.expect("it is read"), None);
        assert!(placed.created_at.ends_with('Z'), "{}", placed.created_at);
    }

    #[tokio::test]
    async fn lists_in_pages_oldest_first() {
        let store = Store::open(None).expect("a temporary store");
        for item in ["a", "b", "c"] {
            store.insert(order(item)).await.expect("it is kept");
        }

        let page = store.list(2, 1).await.expect("it is read");

        assert_eq!(page.iter().map(|order| order.item.as_str()).collect::<Vec<_>>(), ["b", "c"]);
        assert_eq!(store.list(2, 3).await.expect("it is read"), []);
    }

    #[tokio::test]
    async fn keeps_the_orders_of_a_named_directory() {
        let parent = Directory::create(None).expect("a temporary directory");
        let data_dir = parent.path().join("made/on/demand");
        let placed =
            Store::open(Some(&data_dir)).expect("a store").insert(order("tea")).await.expect("it is kept");

        let reopened = Store::open(Some(&data_dir)).expect("the same store");

        assert_eq!(reopened.find(placed.id).await.expect("it is read"), Some(placed));
    }
}
