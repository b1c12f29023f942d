"""The real programs: PostgreSQL, this server, HAProxy and PgBouncer, each in a directory of the run."""

import http.client
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

# as many connections as PostgreSQL takes
MOST = 30
# as deploy/README.md has it
ROLE_SETTINGS = ["statement_timeout = '3s'", "lock_timeout = '2s'", "idle_in_transaction_session_timeout = '10s'",
                 "enable_seqscan = off", "jit = off"]
SECRET_KEY = "the secret key of the chaos tests, long enough"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def until(condition, seconds, what):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what}: not within {seconds} s"
        time.sleep(0.01)


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False


def postgres_bin():
    """Where the programs of PostgreSQL are."""
    said = subprocess.run(["sh", "-c", "pg_config --bindir"], capture_output=True, text=True).stdout.strip()
    return Path(said) if (Path(said or "/") / "initdb").exists() else sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1]


def postgres_user():
    """Whose PostgreSQL is: it refuses root."""
    return pwd.getpwnam("postgres") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())


def as_postgres_user():
    """How a program of PostgreSQL, or PgBouncer, is run."""
    user = postgres_user()
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}


def psql(port, sql, user="app", database="healthcare"):
    return [postgres_bin() / "psql", "-qXAt", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(port), "-U", user,
            database, "-c", sql]


class Postgres:
    """A server of its own, on a port and a socket, which keeps what it acknowledges unless told otherwise."""

    def __init__(self, directory, **settings):
        self.bin, self.user, self.port = postgres_bin(), postgres_user(), free_port()
        self.data = directory / "postgres"
        self.data.mkdir()
        os.chown(self.data, self.user.pw_uid, self.user.pw_gid)
        self.run("initdb", "-D", self.data, "-U", "app", "-A", "trust", "-E", "UTF8", "--locale", "C.UTF-8", "--no-sync")
        own = {"port": self.port, "listen_addresses": "127.0.0.1", "unix_socket_directories": self.data,
               "shared_buffers": "64MB", "log_min_messages": "fatal", "max_connections": MOST, **settings}
        with open(self.data / "postgresql.conf", "a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in own.items())
        self.start()
        at = ("-h", "127.0.0.1", "-p", str(self.port), "-U", "app")
        self.run("createuser", *at, "healthcare")
        self.run("createdb", *at, "-O", "healthcare", "healthcare")

    def run(self, program, *arguments, check=True):
        done = subprocess.run([self.bin / program, *arguments], cwd="/", capture_output=True, text=True, **as_postgres_user())
        assert done.returncode == 0 or not check, f"{program}: {done.stdout}{done.stderr}"

    def start(self):
        self.run("pg_ctl", "-D", self.data, "-w", "-l", self.data / "log", "start")

    def stop(self, mode):
        self.run("pg_ctl", "-D", self.data, "-w", "-m", mode, "stop")

    def processes(self):
        postmaster = int((self.data / "postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
        return [postmaster, *map(int, children)]

    def signal(self, what):
        for process in self.processes():
            try:
                os.kill(process, what)
            except ProcessLookupError:
                pass

    def crash(self):
        """Kills a process that serves a connection: PostgreSQL then ends all of them, and recovers."""
        ours = self.value("select pid from pg_stat_activity where application_name = 'healthcare-backend' limit 1")
        os.kill(int(ours), signal.SIGKILL)
        until(lambda: not self.takes_connections(), 5, "the end of all connections")
        until(self.takes_connections, 30, "the recovery of PostgreSQL")

    def takes_connections(self):
        return subprocess.run(psql(self.port, "select 1"), capture_output=True).returncode == 0

    def fill(self, seconds):
        """Takes all connections that others may have, for some time, and ends those of the server."""
        command = psql(self.port, f"select pg_sleep({seconds})", "healthcare")
        takers = [subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(MOST)]
        self.value("select count(pg_terminate_backend(pid)) from pg_stat_activity "
                   "where application_name = 'healthcare-backend'")
        takers += [subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(MOST)]
        for taker in takers:
            taker.wait()

    def value(self, sql):
        return subprocess.run(psql(self.port, sql), check=True, capture_output=True, text=True).stdout.strip()

    def rows(self, sql):
        return json.loads(self.value(f"select coalesce(jsonb_agg(row), '[]') from ({sql}) row"))


class Server:
    """The program under test, on a database that others run."""

    def __init__(self, binary, directory, database_port, **settings):
        self.binary, self.directory, self.port, self.metrics_port = binary, directory, free_port(), free_port()
        url = f"postgres://healthcare@127.0.0.1:{database_port}/healthcare"
        self.environment = {
            "PATH": os.environ["PATH"], "DATABASE_URL": url, "SECRET_KEY": SECRET_KEY, "PORT": str(self.port),
            "METRICS_ADDR": f"127.0.0.1:{self.metrics_port}", "ACCESS_TOKEN_LIFETIME": "1h", "THROTTLE_LOGIN": "",
            "THROTTLE_REGISTER": "", "THROTTLE_REFRESH": "", **settings}
        self.log = open(directory / f"server-{self.port}.log", "a")
        self.start()

    def start(self):
        self.process = subprocess.Popen([self.binary], cwd=self.directory, env=self.environment, stdout=self.log,
                                        stderr=self.log)
        until(self.is_ready, 30, "the server's start")

    def is_ready(self):
        assert self.process.poll() is None, "the server ended"
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=1)
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except OSError:
            return False

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.terminate()
        assert self.process.wait(40) == 0, "the server did not end well"

    def memory(self):
        """Kilobytes: now, and at most since its start."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        fields = dict(line.split(":", 1) for line in lines)
        return int(fields["VmRSS"].split()[0]), int(fields["VmHWM"].split()[0])


class PgBouncer:
    """Gives each transaction a connection of its own choice. Migrations, and the settings of connections, go past it."""

    def __init__(self, program, directory, binary, postgres, database_port):
        self.port = free_port()
        url = f"postgres://healthcare@127.0.0.1:{postgres.port}/healthcare"
        subprocess.run([binary, "migrate"], check=True, cwd=directory, env={"DATABASE_URL": url, "SECRET_KEY": SECRET_KEY},
                       stdout=subprocess.DEVNULL)
        for setting in ROLE_SETTINGS:
            postgres.value(f"alter role healthcare set {setting}")
        settings = {
            "listen_addr": "127.0.0.1", "listen_port": self.port, "unix_socket_dir": "", "auth_type": "any",
            "ignore_startup_parameters": "options", "pool_mode": "transaction", "max_prepared_statements": 200,
            "server_login_retry": 1, "query_wait_timeout": 3}
        lines = ["[databases]", f"healthcare = host=127.0.0.1 port={database_port} user=healthcare", "[pgbouncer]"]
        lines += [f"{name} = {value}" for name, value in settings.items()]
        file = directory / "pgbouncer.ini"
        file.write_text("\n".join(lines) + "\n")
        log = open(directory / "pgbouncer.log", "w")
        self.process = subprocess.Popen([program, file], stdout=log, stderr=log, **as_postgres_user())
        until(lambda: listens(self.port), 10, "PgBouncer's start")

    def stop(self):
        self.process.kill()
        self.process.wait()


class Haproxy:
    """Before several servers: it asks each whether it is ready."""

    def __init__(self, directory, servers):
        assert shutil.which("haproxy"), "install haproxy"
        self.port = free_port()
        lines = [
            "global", "  maxconn 2000", "defaults", "  mode http", "  timeout connect 1s", "  timeout client 60s",
            "  timeout server 60s", "  option redispatch", "  retries 3", "frontend api",
            f"  bind 127.0.0.1:{self.port}", "  option forwardfor", "  default_backend servers", "backend servers",
            "  option httpchk GET /readyz", "  default-server inter 200ms fall 1 rise 1"]
        lines += [f"  server s{server.port} 127.0.0.1:{server.port} check" for server in servers]
        file = directory / "haproxy.cfg"
        file.write_text("\n".join(lines) + "\n")
        log = open(directory / "haproxy.log", "w")
        self.process = subprocess.Popen(["haproxy", "-f", file], stdout=log, stderr=log)
        until(lambda: listens(self.port), 10, "HAProxy's start")

    def stop(self):
        self.process.kill()
        self.process.wait()
