import t from 'tap'
import { postgresArguments } from '../src/embedded/settings.ts'

t.test('the folder of the socket is one folder, whatever is in its name', async (t) => {
  const words = postgresArguments('/c', { socketDirectory: '/data/a, "b"', port: 5432 }, 0)
  t.ok(words.includes('unix_socket_directories="/data/a, ""b"""'))
})

t.test('what is written ahead takes an eighth of what is free, within bounds', async (t) => {
  const gigabyte = 2 ** 30
  for (const [free, size] of [
    [0, '1024MB'],
    [8 * gigabyte, '1024MB'],
    [20 * gigabyte, '2560MB'],
    [32 * gigabyte, '4096MB'],
    [2_000_000 * gigabyte, '4096MB'],
  ] as const)
    t.ok(
      postgresArguments('/c', { host: '127.0.0.1', port: 5432 }, free).includes(`max_wal_size=${size}`),
      size,
    )
})
