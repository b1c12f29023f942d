//! The database that Django made: its tables, and their rows one by one. Nothing is written to it.

use futures_util::{StreamExt, stream::BoxStream};
use serde_json::{Map, Value};
use sqlx::{AssertSqlSafe, ConnectOptions, PgConnection, postgres::PgConnectOptions};
use tokio::time::timeout;

use crate::db::schema::{CONNECT, OURS, SchemaError};

/// A table, as the catalog has it.
pub struct Table {
    pub name: String,
    pub columns: Vec<Column>,
}

/// A column of a table.
pub struct Column {
    pub name: String,
    /// "timestamp with time zone".
    pub kind: String,
    /// The table that a foreign key of this column alone refers to.
    pub refers_to: Option<String>,
}

/// As what a column is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cast {
    Key,
    Text,
    Time,
}

/// What to read of a table.
pub struct Selection {
    pub table: String,
    /// The fields, and the column of each. One of them is the id.
    pub fields: Vec<(&'static str, Cast, String)>,
}

/// A row: its id, and its fields as texts or nulls.
pub struct Row {
    pub id: i64,
    pub fields: Map<String, Value>,
}

/// A connection that sees the database as it was when it was opened.
pub struct Source {
    connection: PgConnection,
}

impl Source {
    /// Connects.
    pub async fn open(options: &PgConnectOptions) -> Result<Self, SchemaError> {
        let options = options.clone().disable_statement_logging();
        let connecting = timeout(CONNECT, options.connect()).await;
        let mut connection = connecting.map_err(|_| sqlx::Error::PoolTimedOut)??;
        let begin = "begin transaction isolation level repeatable read read only";
        sqlx::raw_sql(begin).execute(&mut connection).await?;
        Ok(Self { connection })
    }

    /// The tables of the schema, but for those of this server.
    pub async fn tables(&mut self) -> Result<Vec<Table>, SchemaError> {
        let ours = OURS.map(str::to_owned);
        let rows = sqlx::query!(
            r#"
            select t.relname::text as "table!", c.attname::text as "column!",
                format_type(c.atttypid, null) as "kind!", r.relname::text as "refers_to?"
            from pg_class t
            join pg_attribute c on c.attrelid = t.oid and c.attnum > 0 and not c.attisdropped
            left join pg_constraint f on f.conrelid = t.oid and f.contype = 'f' and f.conkey = array[c.attnum]
            left join pg_class r on r.oid = f.confrelid
            where t.relkind in ('r', 'p') and t.relnamespace = current_schema()::regnamespace
                and not (t.relname = any($1) and to_regclass('_sqlx_migrations') is not null)
            order by t.relname, c.attnum
            "#,
            &ours[..]
        )
        .fetch_all(&mut self.connection)
        .await?;
        let mut tables: Vec<Table> = Vec::new();
        for row in rows {
            let column = Column { name: row.column, kind: row.kind, refers_to: row.refers_to };
            match tables.last_mut() {
                Some(table) if table.name == row.table => table.columns.push(column),
                _ => tables.push(Table { name: row.table, columns: vec![column] }),
            }
        }
        Ok(tables)
    }

    /// The rows of a table in the order of their ids, as they arrive.
    pub fn rows(&mut self, selection: &Selection) -> BoxStream<'_, Result<Row, SchemaError>> {
        let query = sqlx::query_as::<_, (i64, String)>(AssertSqlSafe(select(selection)));
        let rows = query.fetch(&mut self.connection).map(|row| {
            let (id, fields) = row?;
            let fields = serde_json::from_str(&fields).map_err(|error| sqlx::Error::Decode(error.into()))?;
            Ok(Row { id, fields })
        });
        rows.boxed()
    }
}

/// No macro knows these tables: their names come from the catalog, and are quoted.
fn select(selection: &Selection) -> String {
    let columns = selection.fields.iter().map(|(field, cast, column)| {
        let cast = match cast {
            Cast::Key => "bigint",
            Cast::Text => "text",
            // the text of a time has a form of its own in JSON
            Cast::Time => "timestamptz::text",
        };
        format!("{}::{cast} as {field}", quoted(column))
    });
    let columns = columns.collect::<Vec<_>>().join(", ");
    format!("select id, to_jsonb(f)::text from (select {columns} from {}) f order by id", quoted(&selection.table))
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
