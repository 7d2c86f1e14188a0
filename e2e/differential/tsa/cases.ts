/** Every request that is sent to both timestamp authorities, by its name. */
import type { Case } from './case.ts'
import { derCases } from './der-cases.ts'
import { frameCases } from './frame-cases.ts'
import { jsonCases } from './json-cases.ts'

export function allCases(): readonly Case[] {
  return [...derCases(), ...jsonCases(), ...frameCases()]
}
