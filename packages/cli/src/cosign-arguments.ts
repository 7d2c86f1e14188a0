/**
 * Words as cosign takes them: booleans with a value, long options behind one dash, options out of the
 * environment.
 */
import type { Command, Option } from 'commander'
import type { Io } from './io.ts'
import { refuseFlag } from './left-to-cosign.ts'

const isTrue: Readonly<Record<string, boolean>> = {
  true: true,
  t: true,
  '1': true,
  false: false,
  f: false,
  '0': false,
}

/** Short forms that cosign reads in every command. */
const spellings: Readonly<Record<string, string>> = {
  cert: 'certificate',
  'cert-chain': 'certificate-chain',
  'cert-identity': 'certificate-identity',
  'cert-oidc-issuer': 'certificate-oidc-issuer',
  'output-cert': 'output-certificate',
}

/** `words` after the name of `command`, as commander reads them. Throws `bad_usage` for flags that only cosign has. */
export function cosignArguments(words: readonly string[], command: Command, io: Io): readonly string[] {
  const end = words.indexOf('--')
  const before = end < 0 ? words : words.slice(0, end)
  const rewritten = before.flatMap((word) => rewrite(word, command, io))
  return [...fromEnvironment(rewritten, command, io), ...rewritten, ...(end < 0 ? [] : words.slice(end))]
}

function rewrite(word: string, command: Command, io: Io): readonly string[] {
  const [, dashes = '', given = '', value] = /^(--?)([a-z][a-z0-9-]+)(?:=([^]*))?$/i.exec(word) ?? []
  const optionOf = (long: string) => command.options.find((each) => each.long === `--${long}`)
  const name = optionOf(given) === undefined ? (spellings[given] ?? given) : given
  const option = optionOf(name)
  if (option === undefined) {
    if (dashes === '--') refuseFlag(name)
    return [word]
  }
  if (dashes === '-')
    io.err(
      `WARNING: the -${name} flag is deprecated and will be removed in a future release. Please use the --${name} flag instead.\n`,
    )
  if (value === undefined) return [`--${name}`]
  const isSwitch = option.isBoolean() || option.negate
  if (!isSwitch || !Object.hasOwn(isTrue, value)) return [`--${name}=${value}`]
  // The flag itself is the negation, and is off by default.
  if (option.negate) return isTrue[value] === true ? [`--${name}`] : []
  return switchOf(command, name, isTrue[value] === true)
}

/** What is off by default has no word that turns it off, and needs none. */
function switchOf(command: Command, name: string, on: boolean): readonly string[] {
  if (on) return [`--${name}`]
  return command.options.some(({ long }) => long === `--no-${name}`) ? [`--no-${name}`] : []
}

/** `COSIGN_` and the option in capitals, where the option itself is not given. */
function fromEnvironment(words: readonly string[], command: Command, io: Io): readonly string[] {
  const given = new Set(words.flatMap((word) => (word.startsWith('-') ? [word.split('=')[0]] : [])))
  return command.options.flatMap((option) => {
    const { long } = option
    if (!long || option.negate || isGiven(option, given)) return []
    const name = long.slice(2)
    const value = io.environment[`COSIGN_${name.toUpperCase().replaceAll('-', '_')}`]
    if (value === undefined || value === '') return []
    if (!option.isBoolean()) return [`${long}=${value}`]
    return Object.hasOwn(isTrue, value) ? switchOf(command, name, isTrue[value] === true) : []
  })
}

function isGiven({ long, short }: Option, given: ReadonlySet<string | undefined>): boolean {
  return given.has(long ?? '') || given.has(short ?? '') || given.has(`--no-${long?.slice(2)}`)
}
