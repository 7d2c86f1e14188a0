import type { Service, SigningConfig } from '@sigstack/trust-root'
import t from 'tap'
import { selectServices, selectWitnesses } from '../src/services/select-services.ts'

t.test('services are chosen by window, version, age and operator', async (t) => {
  const now = new Date('2026-01-15T00:00:00Z')
  const service = (url: string, start: string, more: Partial<Service> = {}): Service => ({
    url,
    majorApiVersion: 1,
    validFor: { start: new Date(start) },
    ...more,
  })
  const both: SigningConfig = {
    caUrls: [service('old', '2025-01-01'), service('new', '2026-01-01'), service('future', '2027-01-01')],
    oidcUrls: [],
    rekorTlogUrls: [
      service('v2', '2026-01-10', { majorApiVersion: 2 }),
      service('ended', '2026-01-05', {
        validFor: { start: new Date('2025-01-01'), end: new Date('2026-01-14') },
      }),
      service('a', '2025-01-01', { operator: 'a' }),
      service('a again', '2024-01-01', { operator: 'a' }),
      service('b', '2025-06-01', { operator: 'b' }),
    ],
    tsaUrls: [service('tsa', '2025-01-01')],
    rekorTlogConfig: { selector: 'ANY' },
  }
  const v1 = (...urls: readonly string[]) => urls.map((url) => ({ url, majorApiVersion: 1 }))
  t.same(selectServices(both, now), {
    caUrl: 'new',
    logs: [{ url: 'v2', majorApiVersion: 2 }],
    tsaUrls: [],
  })
  t.same(selectWitnesses(both, now, { logVersions: [1] }).logs, v1('b'))
  t.throws(
    () =>
      selectWitnesses({ ...both, rekorTlogUrls: both.rekorTlogUrls.slice(0, 1) }, now, { logVersions: [1] }),
    {
      message: /no transparency log of API version 1 that/,
    },
  )
  const config = { ...both, rekorTlogUrls: both.rekorTlogUrls.slice(1) }
  const all = selectServices(
    { ...config, rekorTlogConfig: { selector: 'ALL' }, tsaConfig: { selector: 'ANY' } },
    now,
  )
  t.same(all, { caUrl: 'new', logs: v1('b', 'a'), tsaUrls: ['tsa'] })
  const exact = (count: number) =>
    selectServices({ ...config, rekorTlogConfig: { selector: 'EXACT', count } }, now)
  t.same(exact(2).logs, v1('b', 'a'))
  t.throws(() => exact(3), { code: 'bad_trust', message: /demands 3.*only 2/ })
  t.throws(() => selectServices({ ...config, caUrls: [] }, now), { code: 'bad_trust' })
  t.throws(() => selectServices({ ...config, rekorTlogUrls: [] }, now), { code: 'bad_trust' })
  const atTheEnd = { start: new Date('2025-01-01'), end: now }
  t.equal(selectServices({ ...config, caUrls: [service('x', '', { validFor: atTheEnd })] }, now).caUrl, 'x')
})
