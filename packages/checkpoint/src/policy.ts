/** The policy that says when a checkpoint counts (C2SP tlog-policy): signed by one of its logs, and by a quorum of its witnesses. */
import { quoted } from '@sigstack/crypto'
import { CheckpointError } from './errors.ts'
import { isSameKey, type NoteKey, noteKey, parseNoteKey } from './note-key.ts'

export type PolicyLog = { readonly key: NoteKey; readonly url: string | undefined }

export type PolicyWitness = {
  /** Of this file alone. */
  readonly name: string
  readonly key: NoteKey
  /** Its submission prefix, without a slash at the end. */
  readonly url: string | undefined
}

export type Quorum =
  | { readonly kind: 'none' }
  | { readonly kind: 'witness'; readonly witness: PolicyWitness }
  | { readonly kind: 'group'; readonly atLeast: number; readonly members: readonly Quorum[] }

export type WitnessPolicy = {
  readonly logs: readonly PolicyLog[]
  readonly witnesses: readonly PolicyWitness[]
  readonly quorum: Quorum
}

const longestPolicy = 1_048_576
/** Of logs, of witnesses and of groups each; C2SP asks for 32 at the least. */
const mostOfAKind = 256

/**
 * Throws `bad_policy`, which names the line. Reads what C2SP defines, and a witness key of type 0x01 as the Ed25519 key that it is, since
 * upstream's files hold such.
 */
export function parseWitnessPolicy(text: string): WitnessPolicy {
  if (text.length > longestPolicy) throw bad(`it is longer than ${longestPolicy} characters`)
  if (text !== '' && !text.endsWith('\n')) throw bad('its last line does not end with a line feed')
  const logs: PolicyLog[] = []
  const witnesses: PolicyWitness[] = []
  const defined = new Map<string, Quorum>()
  const members = new Set<string>()
  let groups = 0
  let quorum: Quorum | undefined

  const define = (name: string, meaning: Quorum) => {
    if (name === 'none') throw bad('none names no witness and no group')
    if (defined.has(name)) throw bad(`${quoted(name)} is defined twice`)
    defined.set(name, meaning)
  }
  const known = (name: string) => {
    const meaning = defined.get(name)
    if (meaning === undefined) throw bad(`no line above defines ${quoted(name)}`)
    return meaning
  }
  const readers: Readonly<Record<string, (items: readonly string[]) => void>> = {
    log: (items) => {
      const [vkey = '', url] = counted(items, 1, 2, 'log VKEY [URL]')
      const key = parseNoteKey(vkey)
      if (key.kind === 'cosignature') throw bad('a cosignature key is none of a log')
      unique(key, logs)
      logs.push({ key, url: urlOf(url) })
      bounded(logs.length, 'logs')
    },
    witness: (items) => {
      const [name = '', vkey = '', url] = counted(items, 2, 3, 'witness NAME VKEY [URL]')
      const witness = { name, key: witnessKey(parseNoteKey(vkey)), url: urlOf(url) }
      unique(witness.key, witnesses)
      define(name, { kind: 'witness', witness })
      witnesses.push(witness)
      bounded(witnesses.length, 'witnesses')
    },
    group: (items) => {
      const [name = '', threshold = '', ...names] = counted(
        items,
        3,
        2 + 2 * mostOfAKind,
        'group NAME all|any|NUMBER MEMBER…',
      )
      for (const member of names) {
        if (members.has(member)) throw bad(`${quoted(member)} is a member twice`)
        members.add(member)
      }
      const meanings = names.map(known)
      define(name, { kind: 'group', atLeast: thresholdOf(threshold, names.length), members: meanings })
      bounded(++groups, 'groups')
    },
    quorum: (items) => {
      const [name = ''] = counted(items, 1, 1, 'quorum NAME|none')
      if (quorum !== undefined) throw bad('there is a quorum already')
      quorum = name === 'none' ? { kind: 'none' } : known(name)
    },
  }
  for (const [at, line] of text.split('\n').entries()) {
    try {
      const items = itemsOf(line)
      const [keyword, ...rest] = items
      if (keyword === undefined) continue
      const read = Object.hasOwn(readers, keyword) ? readers[keyword] : undefined
      if (read === undefined) throw bad(`${quoted(keyword)} is no log, witness, group or quorum`)
      read(rest)
    } catch (cause) {
      if (!(cause instanceof CheckpointError)) throw cause
      throw new CheckpointError('bad_policy', `line ${at + 1} of the policy: ${cause.message}`, { cause })
    }
  }
  if (quorum === undefined) throw new CheckpointError('bad_policy', 'the policy has no quorum line')
  return { logs, witnesses, quorum }
}

/** Whether those that `hasSigned` are enough. */
export function isQuorum(quorum: Quorum, hasSigned: (witness: PolicyWitness) => boolean): boolean {
  switch (quorum.kind) {
    case 'none':
      return true
    case 'witness':
      return hasSigned(quorum.witness)
    case 'group':
      return quorum.members.filter((member) => isQuorum(member, hasSigned)).length >= quorum.atLeast
  }
}

/** Words of a line; white space is space and tab alone. None for an empty line and for a comment. */
function itemsOf(line: string): readonly string[] {
  if (/[^\t -~\u0080-\uffff]/.test(line)) throw bad('it holds a control character')
  const items = line.split(/[ \t]/).filter((item) => item !== '')
  return items[0]?.startsWith('#') === true ? [] : items
}

function counted(items: readonly string[], least: number, most: number, form: string): readonly string[] {
  if (items.length < least || items.length > most) throw bad(`it is not of the form ${form}`)
  return items
}

/** Its cosignatures have the hint of type 0x04 all the same. */
function witnessKey(key: NoteKey): NoteKey {
  if (key.kind === 'ecdsa') throw bad('an ECDSA key is none of a witness')
  return key.kind === 'ed25519' ? noteKey(key.name, 'cosignature', key.material) : key
}

function unique(key: NoteKey, others: readonly { readonly key: NoteKey }[]): void {
  if (others.some((other) => isSameKey(other.key, key)))
    throw bad(`the key of ${quoted(key.name)} stands there twice`)
}

function urlOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const url = URL.parse(text)
  if (
    url === null ||
    (url.protocol !== 'https:' && url.protocol !== 'http:') ||
    url.search !== '' ||
    url.hash !== ''
  )
    throw bad(`${quoted(text)} is no http or https URL of a prefix`)
  return url.href.endsWith('/') ? url.href.slice(0, -1) : url.href
}

function thresholdOf(text: string, members: number): number {
  if (text === 'all') return members
  if (text === 'any') return 1
  const count = /^[1-9]\d{0,3}$/.test(text) ? Number(text) : 0
  if (count < 1 || count > members) throw bad(`${quoted(text)} is not all, any or 1 to ${members}`)
  return count
}

function bounded(count: number, of: string): void {
  if (count > mostOfAKind) throw bad(`there are more than ${mostOfAKind} ${of}`)
}

function bad(why: string): CheckpointError {
  return new CheckpointError('bad_policy', why)
}
