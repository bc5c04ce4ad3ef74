/** An image to make containers of, from the machine's statically linked busybox: no registry is asked. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { arch, tmpdir } from "node:os";
import { join } from "node:path";

const busybox = "/bin/busybox";

/** Why there can be no image here; false where there can. */
export function noImage(): string | false {
  try {
    // A file system of nothing but busybox is what the image is: a dynamically linked one does not start in it.
    const header = execFileSync("head", ["-c", "4096", busybox], { encoding: "latin1" });
    return (
      header.includes("/ld-linux") && `${busybox} is not statically linked: the package busybox-static is not installed`
    );
  } catch {
    return `${busybox} is not installed`;
  }
}

/** The image's file system as a tar archive, as `docker import` takes it: busybox with a link for each of its applets. */
export function imageArchive(): Buffer {
  const root = mkdtempSync(join(tmpdir(), "portolan-image-"));
  try {
    fillRoot(root);
    return execFileSync("tar", ["-C", root, "-cf", "-", "."], { maxBuffer: 2 ** 26 });
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/** What a saved image is called. */
export const imageReference = "docker.io/portolan/busybox:1";

/** The image as `docker save` writes one, for what imports such archives. By itself it does nothing for a day. */
export function saveImage(): Buffer {
  const directory = mkdtempSync(join(tmpdir(), "portolan-image-"));
  try {
    const layer = imageArchive();
    const write = (name: string, content: unknown): void =>
      writeFileSync(join(directory, name), JSON.stringify(content));
    writeFileSync(join(directory, "layer.tar"), layer);
    write("config.json", {
      architecture: arch() === "x64" ? "amd64" : arch(),
      os: "linux",
      config: { Cmd: ["/bin/sleep", "86400"], Env: ["PATH=/bin"] },
      rootfs: { type: "layers", diff_ids: [`sha256:${createHash("sha256").update(layer).digest("hex")}`] },
    });
    write("manifest.json", [{ Config: "config.json", RepoTags: [imageReference], Layers: ["layer.tar"] }]);
    return execFileSync("tar", ["-C", directory, "-cf", "-", "."], { maxBuffer: 2 ** 26 });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Writes the image's file system into an empty directory. */
export function fillRoot(root: string): void {
  for (const directory of ["bin", "etc", "tmp", "proc", "sys", "dev"]) mkdirSync(join(root, directory));
  copyFileSync(busybox, join(root, busybox));
  const applets = execFileSync(busybox, ["--list"], { encoding: "utf8" }).trim().split("\n");
  for (const applet of applets) if (applet !== "busybox") symlinkSync("busybox", join(root, "bin", applet));
  writeFileSync(join(root, "etc/passwd"), "root:x:0:0:root:/:/bin/sh\n");
}
