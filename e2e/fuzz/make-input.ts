import { createRandom, type Random } from '../support/random.ts'
import { mutateBytes } from './mutate-bytes.ts'
import { mutateDer } from './mutate-der.ts'
import { mutateJson } from './mutate-json.ts'
import { mutateText } from './mutate-text.ts'
import type { Target } from './target.ts'

const longestInput = 4 * 1024 * 1024

/** The input that a seed stands for: one of the good inputs, changed once or a few times. */
export function makeInput(target: Target, seed: number): Uint8Array {
  const random = createRandom(seed)
  let input = random.pick(target.seeds)
  const changes = 1 + random.below(random.chance(0.2) ? 8 : 2)
  for (let i = 0; i < changes; i++) {
    const changed = change(target, input, random)
    // Every door has a limit of its own; how long tens of megabytes take says nothing about what is behind it.
    if (changed.length <= longestInput) input = changed
  }
  return input
}

function change({ form, seeds }: Target, input: Uint8Array, random: Random): Uint8Array {
  const text = (): string => Buffer.from(input).toString('utf8')
  switch (form) {
    case 'bytes':
      return mutateBytes(input, random, seeds)
    case 'der':
      return mutateDer(input, random, seeds)
    case 'text':
      return Buffer.from(mutateText(text(), random, seeds))
    case 'json':
      return Buffer.from(mutateJson(text(), random, seeds))
    case 'jwt': {
      const parts = text().split('.')
      const index = random.below(parts.length)
      if (index > 1 || random.chance(0.1)) return Buffer.from(mutateText(text(), random, seeds))
      const json = Buffer.from(parts[index] ?? '', 'base64url').toString('utf8')
      const changed = Buffer.from(mutateJson(json, random, seeds)).toString('base64url')
      return Buffer.from(parts.with(index, changed).join('.'))
    }
  }
}
