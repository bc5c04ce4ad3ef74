/** A machine beside the test's host. */
import { setTimeout as sleep } from "node:timers/promises";
import { exec, run } from "./test-host.ts";

/**
 * Makes the namespace `outside`, whose `eth0` is joined to the host's `out0`. Addresses with the length of their subnet, such as `192.0.2.1/24`; IPv6 ones are there
 * at once, without duplicate address detection.
 */
export function makeOutside(host: readonly string[], outside: readonly string[]): void {
  run("ip netns add outside");
  run("ip link add out0 type veth peer name eth0 netns outside");
  for (const [ip, link, addresses] of [
    ["ip", "out0", host],
    ["ip -n outside", "eth0", outside],
  ] as const) {
    run(`${ip} link set ${link} up`);
    for (const address of addresses)
      run(`${ip} address add ${address} dev ${link}${address.includes(":") ? " nodad" : ""}`);
  }
  run("ip -n outside link set lo up");
}

/** Both of somebody's addresses in their usual subnets. */
export const inSubnets = (addresses: { readonly 4: string; readonly 6: string }): readonly string[] => [
  `${addresses[4]}/24`,
  `${addresses[6]}/64`,
];

/** What somebody outside is answered at a TCP port, within some seconds; empty where nobody answers. */
export async function answerOutside(address: string, port: number): Promise<string> {
  const ask = `busybox nc -w 2 ${address} ${port} </dev/null || true`;
  for (let tries = 0; tries < 50; tries++) {
    const said = exec("nsenter", "--net=/run/netns/outside", "sh", "-c", ask);
    if (said !== "") return said;
    await sleep(50);
  }
  return "";
}
