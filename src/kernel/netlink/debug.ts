/** `PORTOLAN_DEBUG=netlink` prints every message sent and received on stderr: type, flags, length, bytes. */
import { messageType, type NetlinkMessage, type ReceivedMessage } from "./message.ts";

/** Whether messages are to be printed. */
export const tracing: boolean = (process.env["PORTOLAN_DEBUG"] ?? "").split(",").includes("netlink");

/** Prints a request. */
export function traceSent({ type, flags, body }: NetlinkMessage): void {
  print("->", type, flags, body);
}

/** Prints an answer. */
export function traceReceived({ type, flags, body }: ReceivedMessage): void {
  print("<-", type, flags, body);
}

function print(arrow: string, type: number, flags: number, body: Uint8Array): void {
  const name = Object.entries(messageType).find(([, value]) => value === type)?.[0] ?? `type ${type}`;
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("hex");
  console.error(`netlink ${arrow} ${name} flags 0x${flags.toString(16)} ${body.length} bytes ${bytes}`);
}
