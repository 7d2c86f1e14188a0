/** Every request that is sent to both logs of Rekor v2, by its name. */
import { mutationsOf } from '../rekor-v1/mutations.ts'
import { type Case, posted } from './case.ts'
import { frameCases } from './frame-cases.ts'
import { keyCases } from './key-cases.ts'
import { requestFor, vectors } from './requests.ts'
import { textCases } from './text-cases.ts'

export function allCases(): readonly Case[] {
  const example = { name: 'hashedrekord', proposal: requestFor('example') }
  const given = vectors().map(({ name, request }) => posted(`vector ${name}`, request))
  return [
    ...given,
    posted('example', example.proposal),
    posted('example again', example.proposal),
    ...mutationsOf(example).map(({ name, proposal }) => posted(name, proposal)),
    ...keyCases(),
    ...textCases(),
    ...frameCases(),
  ]
}
