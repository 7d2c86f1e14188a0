import { LimitsError, networkOf, parseAddress, parseRanges, trustedProxies } from '@sigstack/limits'
import fc from 'fast-check'
import t from 'tap'

fc.configureGlobal({ seed: 1 })

t.test('every spelling of an address is one and the same', async (t) => {
  const spellings: Readonly<Record<string, readonly string[]>> = {
    '9.9.9.9': [
      '9.9.9.9',
      ' 9.9.9.9\t',
      '9.9.9.9:1001',
      '9.9.9.9:0',
      '9.9.9.9:_hidden',
      '"9.9.9.9:1001"',
      '"9.9.9.9"',
      '::ffff:9.9.9.9',
      '::FFFF:9.9.9.9',
      '::ffff:909:909',
      '0:0:0:0:0:ffff:0909:0909',
      '0000::ffff:9.9.9.9',
      '[::ffff:9.9.9.9]:1001',
      '"[::ffff:909:909]"',
    ],
    '2001:db8:0:0:0:0:0:1': [
      '2001:db8::1',
      '2001:DB8::0001',
      '2001:0db8:0000::0.0.0.1',
      '2001:db8::1%eth0',
      '[2001:db8::1]',
      '[2001:db8::1]:443',
      '[2001:db8::1%25eth0]:443',
      '"[2001:db8::1]:_port"',
    ],
    '0:0:0:0:0:0:0:1': ['::1', '[::1]:1'],
  }
  for (const [text, all] of Object.entries(spellings))
    for (const spelling of all) t.equal(parseAddress(spelling)?.text, text, spelling)
})

t.test('what is no address is none', async (t) => {
  const none = [
    ['', ' ', 'unknown', '_hidden', '"unknown"', '_SEVKISEK', 'localhost', 'example.com:80', '-', '"'],
    ['9.9.9', '9.9.9.9.9', '09.9.9.9', '0x9.9.9.9', '9.9.9.256', '151587081', '9.9.9.9/24', '9.9.9.9:'],
    ['9.9.9.9:65536', '9.9.9.9:1:2', '9.9.9.9 1', '9.9.9.9,8.8.8.8', '[9.9.9.9]', '[9.9.9.9]:1', '[::1'],
    ['::1]', '[::1]x', '[::1]:', '[::1]:99999', ':::', '1::2::3', '::g', '12345::', 'for=9.9.9.9', '%eth0'],
    ['9.9.9.9%eth0', '9.9.9.9\u0000', '９.9.9.9', `"${'1'.repeat(10_000)}"`, `[${':'.repeat(10_000)}]`],
  ].flat()
  for (const text of none) {
    t.equal(parseAddress(text), undefined, JSON.stringify(text.slice(0, 40)))
    t.equal(networkOf(text), 'unknown')
  }
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('0', '1', '9', 'a', 'F', ':', '.', '[', ']', '%', '"', '_', ' ') }),
      (text) => typeof networkOf(text) === 'string',
    ),
  )
})

t.test('an IPv4 address is counted by itself, an IPv6 one by its network of 64 bits', async (t) => {
  t.equal(networkOf(undefined), 'unknown', 'of a connection that is gone')
  t.equal(parseAddress(undefined), undefined)
  t.equal(networkOf('192.0.2.1'), '192.0.2.1')
  t.equal(networkOf('::ffff:192.0.2.1'), '192.0.2.1')
  t.equal(networkOf('::ffff:c000:201'), '192.0.2.1')
  t.equal(networkOf('2001:db8:0:1::5'), '2001:db8:0:1::/64')
  t.equal(networkOf('2001:DB8::1:2:3:4'), networkOf('[2001:db8:0:0:9:9:9:9]:80'))
  t.not(networkOf('2001:db8::1'), networkOf('2001:db8:0:1::1'))
  t.equal(networkOf('::1'), '0:0:0:0::/64')
  t.equal(networkOf('fe80::1%eth0'), 'fe80:0:0:0::/64')
  t.not(networkOf('::ffff:102:304'), networkOf('::ffff:102:305'), 'mapped ones are IPv4')
  fc.assert(
    fc.property(fc.ipV6(), fc.nat(65_535), (address, port) => {
      const networks = new Set(
        [address, address.toUpperCase(), `[${address}]:${port}`, `${address}%1`].map(networkOf),
      )
      return networks.size === 1 && !networks.has('unknown')
    }),
  )
})

t.test('a range holds its addresses in every spelling, and says when it cannot tell', async (t) => {
  const ranges = parseRanges([
    '9.9.9.0/24',
    '2001:db8::/32',
    '192.0.2.1',
    '::ffff:10.0.0.0/104',
    '198.51.100.7/28',
  ])
  const inside = ['9.9.9.9', '9.9.9.9:1001', '::ffff:9.9.9.9', '[2001:db8::1]:1', '192.0.2.1', '10.255.0.1']
  for (const text of [...inside, '198.51.100.1']) t.equal(ranges.has(text), true, text)
  for (const text of ['9.9.8.9', '2001:db9::', '192.0.2.2', '11.0.0.1', '198.51.100.16'])
    t.equal(ranges.has(text), false, text)
  for (const text of ['unknown', '', '_x']) t.equal(ranges.has(text), undefined, text)
  t.equal(parseRanges(['0.0.0.0/0']).has('::1'), false)
  t.equal(parseRanges(['::/0']).has('9.9.9.9'), false)
  t.equal(parseRanges(['::/0']).has('9::9'), true)
  t.equal(parseRanges([]).has('9.9.9.9'), false)
  for (const text of [
    '',
    'x',
    '1.2.3.4/33',
    '::/129',
    '1.2.3.4/',
    '1.2.3.4/-1',
    '1.2.3/8',
    '1.2.3.4:80',
    '::ffff:1.2.3.4/90',
  ])
    t.throws(() => parseRanges([text]), LimitsError, text)
})

t.test('a proxy is trusted in whatever way it is written', async (t) => {
  const isTrusted = trustedProxies(['10.0.0.0/8', 'loopback'])
  for (const text of ['10.0.0.1', '10.0.0.1:80', '::ffff:10.0.0.1', '127.0.0.1', '::1', '[::1]:9'])
    t.equal(isTrusted(text), true, text)
  for (const text of ['11.0.0.1', 'unknown', '', '10.0.0.1.example']) t.equal(isTrusted(text), false, text)
})
