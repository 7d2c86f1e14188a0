import t from 'tap'
import { postgresArguments } from '../src/embedded/settings.ts'

t.test('the folder of the socket is one folder, whatever is in its name', async (t) => {
  const words = postgresArguments('/c', { socketDirectory: '/data/a, "b"', port: 5432 })
  t.ok(words.includes('unix_socket_directories="/data/a, ""b"""'))
})
