"""Programs, nodes and requests that the parts of scripts/upgrade.sh share. Standard library only."""
import hashlib, http.client, json, os, pathlib, socket, subprocess, sys, time

# Settings of who runs this must not reach the programs; neither must a proxy, everything is on this machine.
ENV = {name: value for name, value in os.environ.items() if not name.startswith("AULA_") and not name.lower().endswith("_proxy")}
# Waits for what comes within seconds on a quiet machine.
LONG_S = 300


class CannotRun(Exception):
    """Something that is no answer to what is tried: exit code 2."""


def tell(text):
    print(f"[{time.monotonic() - BEGAN:6.1f} s] {text}", file=sys.stderr, flush=True)


BEGAN = time.monotonic()


STARTED = []


def started(words, **more):
    """A process that ends with this one, whatever goes wrong meanwhile."""
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, env=ENV, **more)
    STARTED.append(process)
    return process


def end_all():
    """Ends what still runs."""
    left = [process for process in STARTED if process.poll() is None]
    for process in left:
        process.terminate()
    for process in left:
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Checks:
    """What was looked at, in order."""

    def __init__(self):
        self.all = []

    def see(self, name, holds, detail=""):
        self.all.append({"name": name, "ok": bool(holds), "detail": str(detail)[:400]})
        tell(f"{'ok   ' if holds else 'FAILS'} {name}{f': {str(detail)[:300]}' if detail != '' else ''}")
        return bool(holds)


class Program:
    """A build of `aula`, with the `aula-audit` beside it."""

    def __init__(self, path):
        self.path = pathlib.Path(path).resolve()
        self.audit = self.path.with_name("aula-audit")
        for program in (self.path, self.audit):
            if not os.access(program, os.X_OK):
                raise CannotRun(f"{program} is not a program; build it, or ./scripts/upgrade.sh --build-old COMMIT")
        self.version = self.text(self.path, "--version").split()[-1]
        self.protocol = None

    @staticmethod
    def text(*words):
        try:
            done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=60, env=ENV, stdin=subprocess.DEVNULL)
        except subprocess.TimeoutExpired as late:
            raise CannotRun(f"{' '.join(map(str, words))} did not end within a minute") from late
        if done.returncode != 0:
            raise CannotRun(f"{' '.join(map(str, words))} ended with {done.returncode}: {done.stderr.strip()[-300:]}")
        return done.stdout.strip()

    def told(self):
        return {"version": self.version, "protocol": self.protocol, "sha256": hashlib.sha256(self.path.read_bytes()).hexdigest()}

    def run(self, *words, limit=600, program=None):
        """Exit code, the one line of JSON or none, and what was told on stderr."""
        words = [str(program or self.path), *map(str, words), "--output", "json"]
        try:
            done = subprocess.run(words, capture_output=True, text=True, timeout=limit, env=ENV, stdin=subprocess.DEVNULL)
        except subprocess.TimeoutExpired:
            return None, None, f"did not end within {limit} s"
        try:
            answer = json.loads(done.stdout)
        except ValueError:
            answer = None
        return done.returncode, answer, done.stderr.strip()

    def must(self, *words, limit=600, exits=(0,)):
        """The answer of a command without which nothing can be tried."""
        code, answer, told = self.run(*words, limit=limit)
        if code not in exits or answer is None:
            raise CannotRun(f"{self.path} {' '.join(map(str, words))} ended with {code}: {told[-400:] or answer}")
        return answer

    def verify(self, bundle, genesis):
        return self.run("verify", bundle, "--genesis", genesis, program=self.audit)


def ports(count):
    """The first of so many free ports in a row, below those that systems give to outgoing connections."""
    for base in range(12_000, 30_000, count):
        try:
            held = [socket.create_server(("127.0.0.1", base + n)) for n in range(count)]
        except OSError:
            continue
        for one in held:
            one.close()
        return base
    raise CannotRun("no ports are free between 12000 and 30000")


class Api:
    """Asks one node over one connection; not for several threads."""

    def __init__(self, port):
        self.port, self.line = port, None

    def ask(self, path):
        """Status and body; none and none when nobody answers."""
        for attempt in (1, 2):
            try:
                if self.line is None:
                    self.line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
                self.line.request("GET", path)
                answer = self.line.getresponse()
                return answer.status, answer.read()
            except (OSError, http.client.HTTPException):
                # A connection that was kept may have been closed meanwhile.
                self.line = None
        return None, None

    def json(self, path):
        status, body = self.ask(path)
        try:
            return json.loads(body) if status == 200 else None
        except ValueError:
            return None

    def status(self):
        return self.json("/v1/status")

    def height(self):
        told = self.status()
        return told["height"] if told else None


class Node:
    """A home whose node is started by one program and then by another."""

    def __init__(self, home, port):
        self.home, self.port, self.api = pathlib.Path(home), port, Api(port)
        self.process, self.program, self.seen = None, None, 0
        self.log = self.home.parent / f"{self.home.name}.log"

    @property
    def rpc(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self, program, limit=300):
        self.seen = self.log.stat().st_size if self.log.exists() else 0
        with open(self.log, "ab") as log:
            words = [program.path, "start", "--home", self.home, "--output", "json"]
            self.process = started(words, stdout=log, stderr=log)
        self.program = program
        end = time.monotonic() + limit
        while time.monotonic() < end:
            if self.process.poll() is not None:
                return False
            if self.api.status():
                return True
            time.sleep(0.1)
        return False

    def stop(self, limit=120):
        """Ends it; gives its exit code, and how long that took."""
        if self.process is None:
            return None, 0.0
        began = time.monotonic()
        if self.process.poll() is None:
            self.process.terminate()
        code = self.wait(limit)
        if code is None:
            self.process.kill()
            self.process.wait()
        self.process = None
        return code, time.monotonic() - began

    def wait(self, limit):
        """Its exit code; none when it does not end."""
        try:
            return self.process.wait(limit)
        except subprocess.TimeoutExpired:
            return None

    def told(self):
        """What its log says since it was started last."""
        with open(self.log, "rb") as log:
            log.seek(self.seen)
            return log.read().decode(errors="replace")

    def until(self, height, limit):
        """How long until it has a height; none when it has not in time."""
        began = time.monotonic()
        while time.monotonic() - began < limit:
            now = self.api.height()
            if now is not None and now >= height:
                return time.monotonic() - began
            time.sleep(0.1)
        return None
