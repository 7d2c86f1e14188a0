/** Forms of DER as a standard's modules write them: which parts an element has, in their order, and nothing else. */
import { derTag } from '@sigstack/crypto'
import { TimestampError } from '../errors.ts'
import type { Element } from './element.ts'

/** Throws a {@link TimestampError} with `malformed` for an element that is not of it. */
export type Form = (element: Element) => void

type Part = readonly [what: string, tag: number, form?: Form]

/** Which may be left out. */
export type OptionalPart = { readonly optional: Part }

const partLimit = 64

/** A SEQUENCE, or what stands for one under another tag. */
export function partsForm(...parts: readonly (Part | OptionalPart)[]): Form {
  return (element) => {
    const rest = [...element.children(partLimit)]
    for (const part of parts) {
      const isOptional = 'optional' in part
      const [what, tag, form] = isOptional ? part.optional : part
      const [next] = rest
      if (next?.tag === tag) {
        form?.(next)
        rest.shift()
      } else if (!isOptional) throw malformed(`${what} is missing`)
    }
    if (rest.length > 0) throw malformed('there are parts that do not belong there')
  }
}

export function optional(...part: Part): OptionalPart {
  return { optional: part }
}

/** SEQUENCE OF, or SET OF. */
export function listForm(tag: number, form?: Form, { min = 0 }: { readonly min?: number } = {}): Form {
  return (element) => {
    const children = element.children(partLimit)
    if (children.length < min) throw malformed('a list is empty')
    for (const child of children) {
      if (child.tag !== tag) throw malformed('a list has parts that do not belong there')
      form?.(child)
    }
  }
}

/** X.690 section 8.3.2: in as few octets as it needs. */
export const integerForm: Form = ({ content: [first, second = 0], content }) => {
  const isPadded =
    content.length > 1 && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80))
  if (first === undefined || isPadded) throw malformed('a number is no DER')
}

/** AlgorithmIdentifier (RFC 5280 section 4.1.1.2): the parameters are of any form. */
export const algorithmForm: Form = (element) => {
  const [oid, , surplus] = element.children(partLimit)
  if (oid?.tag !== derTag.oid || surplus !== undefined) throw malformed('an algorithm is not identified')
}

export function malformed(reason: string): TimestampError {
  return new TimestampError('malformed', `timestamp: ${reason}`)
}
