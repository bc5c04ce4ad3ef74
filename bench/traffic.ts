/** Traffic between namespaces: servers that stay, and clients that measure. Small programs in Perl, which every Debian has, so that the way and not the program is what takes the time. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { cpus } from "node:os";
import { promisify } from "node:util";

/** Sends back what comes, over UDP and over TCP at one port, and on the next one closes each TCP connection at once. */
const server = `
  use Socket; use IO::Select; my $port = shift;
  sub listening { socket(my $s, PF_INET, SOCK_STREAM, 0); setsockopt($s, SOL_SOCKET, SO_REUSEADDR, 1);
    bind($s, pack_sockaddr_in($_[0], INADDR_ANY)) && listen($s, 4096) or die $!; $s }
  my ($echo, $close) = (listening($port), listening($port + 1));
  socket(my $udp, PF_INET, SOCK_DGRAM, 0); bind($udp, pack_sockaddr_in($port, INADDR_ANY)) or die $!;
  if (!fork) { while (accept(my $c, $close)) { close $c } }
  if (!fork) { while (my $from = recv($udp, my $data, 2048, 0)) { send($udp, $data, 0, $from) } }
  $| = 1; print "ready\\n";
  while (accept(my $c, $echo)) { setsockopt($c, IPPROTO_TCP, 1, 1); while (sysread($c, my $data, 2048)) { syswrite($c, $data) } }`;

/** For about a second, one after the other; prints how many a second. */
const client = (open: string, each: string): string => `
  use Socket; use Time::HiRes "time"; my ($address, $port) = @ARGV;
  my $to = $address =~ /:/ ? pack_sockaddr_in6($port, Socket::inet_pton(AF_INET6, $address)) : pack_sockaddr_in($port, inet_aton($address));
  $SIG{ALRM} = sub { die "no answer" }; alarm 10; ${open} my ($count, $begin) = (0, time); my $until = $begin + 1;
  do { for (1 .. 50) { ${each} } $count += 50 } while time < $until;
  print $count / (time - $begin);`;

const request = "syswrite($s, 'x' x 64) or die $!; sysread($s, my $data, 2048) or die $!;";

/** Clients by what they measure. */
const clients = {
  /** Datagrams of 64 bytes, each sent when the one before has come back. */
  udp: client("socket(my $s, sockaddr_family($to), SOCK_DGRAM, 0); connect($s, $to) or die $!;", request),
  /** The same by one connection. */
  tcp: client(
    "socket(my $s, sockaddr_family($to), SOCK_STREAM, 0); setsockopt($s, IPPROTO_TCP, 1, 1); connect($s, $to) or die $!;",
    request,
  ),
  /** Connections that are made and reset (SO_LINGER), so that neither side keeps closed ones. */
  connections: client(
    "",
    'socket(my $s, sockaddr_family($to), SOCK_STREAM, 0); connect($s, $to) or die $!; setsockopt($s, SOL_SOCKET, SO_LINGER, pack("ii", 1, 0)); close $s;',
  ),
};

/** Somebody that can be talked to: the namespace one comes from, and where it answers from there. */
export interface Way {
  readonly from: string;
  readonly address: string;
  readonly port: number;
}

/** A command that runs in a namespace, on one processor: who answers on which other one, and how soon it wakes up, would be most of what is measured. */
const inside = (namespace: string, ...command: readonly string[]): readonly string[] => [
  ...["taskset", "--cpu-list", "0", "nsenter", `--net=${namespace}`],
  ...command,
];

/** A server at work; gone when it is disposed of. */
async function start(command: readonly string[], ready: (text: string) => boolean): Promise<AsyncDisposable> {
  const [program = "", ...args] = command;
  // A process group of its own, since it makes processes of its own.
  const child: ChildProcess = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"], detached: true });
  const ended = once(child, "exit");
  let said = "";
  const told = new Promise<void>((resolve) => {
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      if (ready(said)) resolve();
    });
  });
  await Promise.race([told, ended.then(() => Promise.reject(new Error(`${command.join(" ")} ended: ${said}`)))]);
  return {
    async [Symbol.asyncDispose]() {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
      await ended;
    },
  };
}

/** Answers in a namespace: TCP and UDP echo at a port, and TCP connections closed at once at the next. */
export const serve = (namespace: string, port: number): Promise<AsyncDisposable> =>
  start(inside(namespace, "perl", "-e", server, String(port)), (said) => said.includes("ready"));

/** Takes in streams in a namespace. */
export const serveStreams = (namespace: string, port: number): Promise<AsyncDisposable> =>
  start(inside(namespace, "iperf3", "--server", "--forceflush", "--port", String(port)), (said) =>
    said.includes("listening"),
  );

/** Docker's process for a port, which leads from ::1 of a namespace to the same port of an address. It says by a descriptor of its own that it serves. */
export const serveAsDocker = (
  namespace: string,
  protocol: "tcp" | "udp",
  address: string,
  port: number,
): Promise<AsyncDisposable> =>
  start(
    [
      ...["nsenter", `--net=${namespace}`, "sh", "-c", 'exec docker-proxy "$@" 3>&1', "docker-proxy"],
      ...["-proto", protocol, "-host-ip", "::1", "-host-port", String(port)],
      ...["-container-ip", address, "-container-port", String(port)],
    ],
    (said) => said.startsWith("0"),
  );

const execute = promisify(execFile);

/** What a command prints; the process goes on meanwhile, since its connections to daemons do not outlive a minute of silence. */
async function printed([program = "", ...args]: readonly string[]): Promise<string> {
  return (await execute(program, args)).stdout;
}

/** Requests, or connections, a second to what {@link serve} serves, one after the other for a second. */
export async function rate(what: keyof typeof clients, { from, address, port }: Way): Promise<number> {
  return Number(await printed(inside(from, "perl", "-e", clients[what], address, String(port))));
}

/** Gigabits a second that arrive by one TCP stream to what {@link serveStreams} serves, over a second. */
export async function throughput({ from, address, port }: Way): Promise<number> {
  // Its own choice of processors goes before that of whoever starts it: each end has one.
  const affinity = cpus().length > 1 ? ["--affinity", "0,1"] : [];
  const to = ["--client", address, "--port", String(port), "--time", "1", "--json", ...affinity];
  // The form is iperf3's.
  const { end } = JSON.parse(await printed(inside(from, "iperf3", ...to))) as {
    end: { sum_received: { bits_per_second: number } };
  };
  return end.sum_received.bits_per_second / 1e9;
}
