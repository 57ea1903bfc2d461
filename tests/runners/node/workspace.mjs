// The workspace of a scenario: the folder it begins as, and how the host is told of it.

import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

const FOLDER = 'workspace';

/** Makes the folder with what is in it, if the scenario has one. */
export async function writeWorkspace(wanted, folder) {
  if (wanted === undefined) return;
  const root = join(folder, FOLDER);
  const place = async (name) => {
    await mkdir(dirname(join(root, name)), { recursive: true });
    return join(root, name);
  };
  await mkdir(root);
  // Programs that capsules start are nobody when the host is root.
  await chmod(folder, 0o711);
  await chmod(root, 0o777);
  for (const name of wanted.folders ?? []) await mkdir(join(root, name), { recursive: true });
  for (const [name, text] of Object.entries(wanted.files ?? {})) await writeFile(await place(name), text);
  for (const [name, target] of Object.entries(wanted.links ?? {})) await symlink(target, await place(name));
}

/** The options of `Host.open` for it. */
export function workspaceOptions(wanted, folder) {
  if (wanted === undefined) return {};
  return { workspace: join(folder, FOLDER), workspaceMode: wanted.overlay === true ? 'overlay' : 'direct' };
}
