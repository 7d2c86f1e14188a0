import { PostgresError } from '@sigstack/postgres'
import t from 'tap'
import { asLogError } from '../src/or-unavailable.ts'

t.test('whoever is told to come again is told what the database lacks', async (t) => {
  const told = (code: string) => {
    const cause = Object.assign(new Error('x'), { code })
    return asLogError(new PostgresError('unavailable', 'x', { cause }))
  }
  const unavailable = { name: 'LogError', code: 'unavailable' }
  t.match(told('53100'), { ...unavailable, message: 'the database of the log has no room; try again' })
  const away = { ...unavailable, message: 'the database of the log cannot be reached; try again' }
  t.match(told('ECONNREFUSED'), away)
  const mistake = new PostgresError('bad_migration', 'x')
  t.equal(asLogError(mistake), mistake)
})
