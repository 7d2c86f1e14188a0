/** The keys of searches, in each of their formats. */
import { parseSearchPublicKey, type SearchKeyFormat, searchKeyFormats } from '@sigstack/rekor-entries'
import type { Target } from './target.ts'

export function searchKeyTargets(
  seeds: Readonly<Record<SearchKeyFormat, readonly Uint8Array[]>>,
): readonly Target[] {
  return searchKeyFormats.map((format) => ({
    name: `search-public-key-${format}`,
    form: format === 'tuf' ? 'json' : 'text',
    seeds: seeds[format],
    refusals: ['EntryError'],
    run: (input) =>
      parseSearchPublicKey(format, Buffer.from(input).toString('base64'), new Date('2021-12-01T00:00:00Z')),
  }))
}
