//! Every setting, once: as a flag, in the environment, or in `.env`. The doc comments are the help and the lines of
//! `.env.example`.

use clap::Args;

/// The settings as they are given.
#[derive(Args)]
pub struct Settings {
    /// PostgreSQL to use: postgres://USER:PASSWORD@HOST:PORT/NAME, with ?sslmode=require and the like. Neither this nor
    /// DB_NAME: a private PostgreSQL of the server's own, in DATA_DIR
    #[arg(long, env, value_name = "URL")]
    pub database_url: Option<String>,
    /// Name of the database, where DATABASE_URL is not given
    #[arg(long, env, value_name = "NAME")]
    pub db_name: Option<String>,
    /// User of the database
    #[arg(long, env, value_name = "USER")]
    pub db_user: Option<String>,
    /// Password of the database's user
    #[arg(long, env, value_name = "PASSWORD")]
    pub db_password: Option<String>,
    /// Host of the database, or the directory of its socket
    #[arg(long, env, value_name = "HOST", default_value = "localhost")]
    pub db_host: String,
    /// Port of the database
    #[arg(long, env, value_name = "PORT", default_value = "5432")]
    pub db_port: String,
    /// How long a start waits for a database that does not answer yet
    #[arg(long, env, value_name = "TIME", default_value = "30s")]
    pub database_wait: String,
    /// Connections to the database at most, but two at least: a quarter for searches and counts; 0: four a core
    #[arg(long, env, value_name = "NUMBER", default_value = "0")]
    pub db_connections: String,
    /// Requests that are worked on at once at most; more are 503 at once, for the client to try again; 0: 1024 a core
    #[arg(long, env, value_name = "NUMBER", default_value = "0")]
    pub requests_at_once: String,
    /// Signs the tokens: 32 bytes or more, known to nobody else. Not given: a random one, kept in DATA_DIR; with a
    /// database of your own it must be given
    #[arg(long, env, value_name = "KEY")]
    pub secret_key: Option<String>,
    /// Earlier keys, separated by commas, whose tokens are still good
    #[arg(long, env, value_name = "KEYS", default_value = "")]
    pub secret_key_fallbacks: String,
    /// For development: takes a weak or missing SECRET_KEY, and pages from any port of this machine
    #[arg(long, env, value_name = "BOOL", default_value = "False")]
    pub debug: String,
    /// Django's rules for a new password, separated by commas; empty: none, but that it is not blank
    #[arg(long, env, value_name = "RULES", default_value = "similarity,length,common,numeric")]
    pub auth_password_validators: String,
    /// Names that the server answers to, separated by commas, without scheme and port; `.example.org` stands for all below
    /// it too, `*` for any
    #[arg(long, env, value_name = "NAMES", default_value = "*")]
    pub allowed_hosts: String,
    /// Lets anybody read the directory of doctors, without a token
    #[arg(long, env, value_name = "BOOL", default_value = "False")]
    pub public_doctors: String,
    /// Who registers accounts: `open`, everybody; `closed`, only staff (and the command createuser makes them)
    #[arg(long, env, value_name = "WORD", default_value = "open")]
    pub registration: String,
    /// Who adds, changes and deletes doctors: `everyone` who has an account, or only `staff`
    #[arg(long, env, value_name = "WORD", default_value = "everyone")]
    pub doctors_edited_by: String,
    /// Takes a change of a patient or a doctor only with If-Match, so that nobody overwrites what they have not seen
    #[arg(long, env, value_name = "BOOL", default_value = "False")]
    pub require_if_match: String,
    /// Serves the admin, where staff work in the browser
    #[arg(long, env, value_name = "BOOL", default_value = "True")]
    pub admin: String,
    /// Where the admin is
    #[arg(long, env, value_name = "PATH", default_value = "/admin/")]
    pub admin_path: String,
    /// Origins whose pages may use the API, separated by commas: https://app.example.org; `*` lets any, without
    /// credentials
    #[arg(long, env, value_name = "ORIGINS", default_value = "")]
    pub cors_allowed_origins: String,
    /// Proxies that are believed when they say how a request came: from whom, by https or not, and for which host, in
    /// X-Forwarded-For, -Proto and -Host, or Forwarded. Addresses and networks such as 10.0.0.0/8, separated by commas
    #[arg(long, env, value_name = "NETWORKS", default_value = "")]
    pub trusted_proxies: String,
    /// Failed logins with one account from one address, such as 5/min, 100/hour or 1000/day; with any account from one
    /// address, ten times as many; empty: any number
    #[arg(long, env, value_name = "RATE", default_value = "20/hour")]
    pub throttle_login: String,
    /// Registrations from one address
    #[arg(long, env, value_name = "RATE", default_value = "30/hour")]
    pub throttle_register: String,
    /// Refreshes of access tokens from one address
    #[arg(long, env, value_name = "RATE", default_value = "120/min")]
    pub throttle_refresh: String,
    /// Requests without a valid token from one address
    #[arg(long, env, value_name = "RATE", default_value = "")]
    pub throttle_anon: String,
    /// Requests of one user
    #[arg(long, env, value_name = "RATE", default_value = "")]
    pub throttle_user: String,
    /// Address to listen on; 0.0.0.0: all
    #[arg(long, env, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub host: String,
    /// Port to listen on; 0: any
    #[arg(long, env, value_name = "PORT", default_value = "8000")]
    pub port: String,
    /// Address and port where it tells how it is, such as 127.0.0.1:9100: /livez, /readyz, and /metrics for Prometheus. No
    /// client should reach it. Not given: no metrics; /livez and /readyz are on HOST and PORT too
    #[arg(long, env, value_name = "ADDRESS")]
    pub metrics_addr: Option<String>,
    /// How long it goes on to take requests when it is told to stop, while /readyz is 503 already, so that a load
    /// balancer can see it first
    #[arg(long, env, value_name = "TIME", default_value = "0s")]
    pub drain_delay: String,
    /// Where the server's own PostgreSQL and key are kept
    #[arg(long, env, value_name = "DIR", default_value = "./data")]
    pub data_dir: String,
    /// Where PostgreSQL's programs are, such as initdb and pg_dump, if the server does not find them
    #[arg(long, env, value_name = "DIR")]
    pub pg_bindir: Option<String>,
    /// How long an access token is good: 15m, 1h, 1day
    #[arg(long, env, value_name = "TIME", default_value = "15m")]
    pub access_token_lifetime: String,
    /// How long a refresh token, and so a login, is good
    #[arg(long, env, value_name = "TIME", default_value = "1day")]
    pub refresh_token_lifetime: String,
    /// Answers a refresh with a new refresh token too. The old one is good for 10 more seconds; its use after that ends
    /// the login
    #[arg(long, env, value_name = "BOOL", default_value = "False")]
    pub rotate_refresh_tokens: String,
    /// Records who reads which patients
    #[arg(long, env, value_name = "BOOL", default_value = "True")]
    pub audit_reads: String,
    /// What happens when those records come faster than the database takes them: wait (requests do, and get a 503 after
    /// 10 seconds) or drop (records are lost, and counted in the log)
    #[arg(long, env, value_name = "HOW", default_value = "wait")]
    pub audit_reads_when_full: String,
    /// How long those records are kept: 400days. A month goes as a whole, when its last day is so long ago. Not given: for
    /// ever
    #[arg(long, env, value_name = "TIME")]
    pub audit_retention: Option<String>,
    /// What a line of the log looks like: `text`, for people, or `json`, an object a line
    #[arg(long, env, value_name = "WORD", default_value = "text")]
    pub log_format: String,
    /// What is logged: off, error, warn, info, debug, trace; or MODULE=LEVEL, separated by commas
    #[arg(long, env, value_name = "FILTER", default_value = "info")]
    pub rust_log: String,
}
