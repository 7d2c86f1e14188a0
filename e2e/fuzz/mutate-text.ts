/** Changes to text: by lines, by numbers, and inside PEM. */

import type { Random } from '../support/random.ts'
import { mutateBytes } from './mutate-bytes.ts'
import { mutateDer } from './mutate-der.ts'

const odd = [
  '',
  ' ',
  '\n',
  '\r\n',
  '\t',
  '\0',
  '—',
  '— ',
  '\u2028',
  '\ud800',
  'é',
  '%',
  '..',
  '/',
  '//',
  '*',
  '=',
  '==',
  '-',
  '+',
  '"',
  '\\',
  '{{',
  '}}',
  '-----BEGIN X-----\n',
  '$',
]
const numbers = [
  '-1',
  '0',
  '00',
  '1',
  '255',
  '256',
  '4294967296',
  '9007199254740993',
  '18446744073709551616',
  '1e9',
  '0x10',
  '9'.repeat(400),
]
const pem = /-----BEGIN ([A-Z ]{1,60})-----([A-Za-z0-9+/=\s]{1,40000})-----END \1-----/

export function mutateText(text: string, random: Random, others: readonly Uint8Array[]): string {
  const block = pem.exec(text)
  if (block !== null && random.chance(0.7)) return withChangedPem(text, block, random, others)
  const lines = text.split('\n')
  const line = random.below(lines.length)
  const at = random.below(text.length + 1)
  switch (random.below(9)) {
    case 0:
      return text.slice(0, at) + random.pick(odd) + text.slice(at + random.below(3))
    case 1:
      return replaceSome(text, /[0-9]+/g, random.pick(numbers), random)
    case 2:
      return lines.toSpliced(line, 1).join('\n')
    case 3:
      return lines.toSpliced(line, 0, lines[random.below(lines.length)] ?? '').join('\n')
    case 4:
      return lines.with(line, lines[random.below(lines.length)] ?? '').join('\n')
    case 5:
      return text.slice(0, at)
    case 6:
      return text.slice(0, at) + random.pick(odd).repeat(random.pick([2, 50, 3000])) + text.slice(at)
    case 7:
      return replaceSome(text, /[A-Za-z0-9+/]{8,}={0,2}/g, random.pick(odd), random)
    default:
      return Buffer.from(mutateBytes(Buffer.from(text), random, others)).toString('latin1')
  }
}

function withChangedPem(
  text: string,
  block: RegExpExecArray,
  random: Random,
  others: readonly Uint8Array[],
): string {
  const [whole, type = '', body = ''] = block
  const changed = Buffer.from(mutateDer(Buffer.from(body, 'base64'), random, others)).toString('base64')
  const lines = random.chance(0.5) ? changed : (changed.match(/.{1,64}/g)?.join('\n') ?? '')
  return text.replace(whole, () => `-----BEGIN ${type}-----\n${lines}\n-----END ${type}-----`)
}

function replaceSome(text: string, expression: RegExp, by: string, random: Random): string {
  const found = [...text.matchAll(expression)]
  if (found.length === 0) return text + by
  const { index, 0: match } = random.pick(found)
  return text.slice(0, index) + by + text.slice(index + match.length)
}
