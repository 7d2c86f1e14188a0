/** Challenges of `WWW-Authenticate` (RFC 9110 section 11.6.1): one pass, from left to right. */
import { quoted } from '@sigstack/crypto'
import { OciError } from './errors.ts'

export type Challenge = {
  /** In lower case. */
  readonly scheme: string
  /** By their names in lower case. */
  readonly parameters: Readonly<Record<string, string>>
}

const longestHeader = 16 * 1024
const mostChallenges = 10
const mostParameters = 20

/**
 * All that the header holds; several header lines are one, joined by commas. Values without quotation marks
 * are taken up to a blank or a comma, for some registries write URLs so. Throws {@link OciError}
 * `bad_answer`.
 */
export function parseChallenges(header: string): readonly Challenge[] {
  if (header.length > longestHeader) throw refused(header, `it is longer than ${longestHeader} characters`)
  const challenges: { scheme: string; parameters: Record<string, string> }[] = []
  const reader = readerOf(header)
  for (reader.skip(' \t,'); !reader.isAtEnd(); reader.skip(' \t,')) {
    const word = reader.token()
    if (word === '') throw refused(header, `there is ${quoted(reader.next())} where a word should be`)
    reader.skip(' \t')
    const current = challenges.at(-1)
    if (reader.next() === '=' && current !== undefined) {
      addParameter(current.parameters, word, reader, header)
      continue
    }
    if (challenges.length === mostChallenges)
      throw refused(header, `it has more than ${mostChallenges} challenges`)
    challenges.push({
      scheme: word.toLowerCase(),
      parameters: Object.create(null) as Record<string, string>,
    })
  }
  return challenges
}

/** The first that we can answer; Bearer and Basic are the ones registries use. */
export function parseChallenge(header: string): Challenge | undefined {
  return parseChallenges(header).find(({ scheme }) => scheme === 'bearer' || scheme === 'basic')
}

function addParameter(
  parameters: Record<string, string>,
  word: string,
  reader: Reader,
  header: string,
): void {
  reader.skip('=')
  reader.skip(' \t')
  const value = reader.next() === '"' ? reader.quoted() : reader.until(' \t,')
  const name = word.toLowerCase()
  if (value === undefined) throw refused(header, 'a quotation mark has no end')
  // Two readers may each take another one, and it says where passwords go.
  if (name in parameters) throw refused(header, `${quoted(name, 100)} occurs twice`)
  if (Object.keys(parameters).length === mostParameters)
    throw refused(header, `it has more than ${mostParameters} parameters`)
  parameters[name] = value
}

type Reader = ReturnType<typeof readerOf>

function readerOf(text: string) {
  let at = 0
  const take = (fits: (character: string) => boolean): string => {
    const start = at
    while (at < text.length && fits(text.charAt(at))) at++
    return text.slice(start, at)
  }
  return {
    isAtEnd: (): boolean => at === text.length,
    next: (): string => text.charAt(at),
    skip: (characters: string): void => void take((character) => characters.includes(character)),
    token: (): string => take((character) => /[A-Za-z0-9!#$%&'*+.^_`|~-]/.test(character)),
    until: (characters: string): string => take((character) => !characters.includes(character)),
    /** Undefined where it does not end. */
    quoted(): string | undefined {
      let value = ''
      for (at++; at < text.length; at++) {
        const character = text.charAt(at)
        if (character === '"') {
          at++
          return value
        }
        if (character === '\\') at++
        value += text.charAt(at)
      }
      return undefined
    },
  }
}

function refused(header: string, reason: string): OciError {
  return new OciError(
    'bad_answer',
    `the registry asks for credentials in a way that cannot be read, ${quoted(header, 300)}: ${reason}`,
  )
}
