/** The clock of the database, which the logs go by. */
import type { Queryable } from '@sigstack/postgres'
import type { OtherClock } from './clock-guard.ts'

export function databaseClock(database: Queryable): OtherClock {
  return {
    name: 'the database',
    kind: 'database',
    async readDifference() {
      const sent = Date.now()
      const { rows } = await database.query<{ milliseconds: number }>(
        'select (extract(epoch from clock_timestamp()) * 1000)::float8 as milliseconds',
      )
      const received = Date.now()
      const milliseconds = rows[0]?.milliseconds
      if (milliseconds === undefined) throw new Error('the database told no time')
      // Half of the way there and back.
      return milliseconds - (sent + received) / 2
    },
  }
}
