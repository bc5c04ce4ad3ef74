/**
 * A process with many connections to one place, each of which sends a number and waits for it to come back, over and over. Says a line (JSON, {@link Report})
 * when all are open, and another one for each line that it is told; with `mark` answers are counted anew.
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

export interface Report {
  /** Connections that are open and have always had the right answer. */
  readonly sound: number;
  /** What broke the others, each reason once. */
  readonly broken: readonly string[];
  /** The fewest answers that one of the sound connections had since the last mark. */
  readonly fewest: number;
}

const [address = "", port = "", count = "", interval = ""] = process.argv.slice(2);
const broken = new Set<string>();
const answers = new Map<Socket, number>();

async function call(): Promise<void> {
  const socket = connect({ host: address, port: Number(port), noDelay: true });
  await once(socket, "connect");
  answers.set(socket, 0);
  const fail = (reason: string): void => {
    broken.add(reason);
    answers.delete(socket);
    socket.destroy();
  };
  socket.on("error", (error) => fail(error.message));
  socket.on("close", () => answers.has(socket) && fail("closed by the other end"));
  void exchange(socket, fail);
}

async function exchange(socket: Socket, fail: (reason: string) => void): Promise<void> {
  let number = 0;
  let received = "";
  socket.setEncoding("utf8").on("data", (text: string) => {
    received += text;
    if (!received.endsWith("\n")) return;
    if (received !== `${number}\n`) {
      fail(`got ${JSON.stringify(received)} for ${number}`);
      return;
    }
    received = "";
    number++;
    answers.set(socket, (answers.get(socket) ?? 0) + 1);
    setTimeout(() => answers.has(socket) && socket.write(`${number}\n`), Number(interval) * (0.5 + Math.random()));
  });
  await sleep(Math.random() * Number(interval));
  socket.write(`${number}\n`);
}

function report(): void {
  const line: Report = { sound: answers.size, broken: [...broken], fewest: Math.min(...answers.values()) };
  console.log(JSON.stringify(line));
}

for (let i = 0; i < Number(count); i++) await call();
report();
for await (const line of createInterface({ input: process.stdin })) {
  if (line === "mark") for (const socket of answers.keys()) answers.set(socket, 0);
  report();
}
process.exit();
