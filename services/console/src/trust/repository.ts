/** The TUF repository, as far as its files tell of themselves. Its signatures are for clients to check. */
import { isObject, memberAt } from '@sigstack/crypto'
import { ask, jsonOf } from '../sources/ask.ts'

export type RoleFile = { readonly role: string; readonly version: string; readonly expires: string }
export type Repository = {
  readonly files: readonly RoleFile[]
  /** How many of how many keys sign the root. */
  readonly threshold: number
  readonly keys: number
}

/** Undefined where there is none. Throws a `SourceError`. */
export async function readRepository(url: string): Promise<Repository | undefined> {
  const read = async (name: string) => {
    const answer = await ask(url, `/tuf/${name}`)
    return answer && memberAt(jsonOf(answer), 'signed')
  }
  const [root, timestamp] = await Promise.all([read('root.json'), read('timestamp.json')])
  if (root === undefined || timestamp === undefined) return undefined
  const snapshot = await read(`${versionIn(timestamp, 'snapshot.json')}.snapshot.json`)
  const targets = await read(`${versionIn(snapshot, 'targets.json')}.targets.json`)
  const keys = memberAt(root, 'roles', 'root', 'keyids')
  return {
    files: Object.entries({ root, targets, snapshot, timestamp }).flatMap(([role, signed]) =>
      isObject(signed)
        ? [{ role, version: String(signed['version']), expires: String(signed['expires']) }]
        : [],
    ),
    threshold: Number(memberAt(root, 'roles', 'root', 'threshold')),
    keys: Array.isArray(keys) ? keys.length : 0,
  }
}

function versionIn(signed: unknown, file: string): number {
  const version = memberAt(signed, 'meta', file, 'version')
  return typeof version === 'number' && Number.isSafeInteger(version) ? version : 0
}
