/** Questions to a person at a terminal. */
import type { ReadStream } from 'node:tty'
import { CliError } from './errors.ts'

export type Terminal = {
  /** A line that is not shown while it is typed. */
  secret(): Promise<string>
}

const ctrlC = '\u0003'
const ctrlD = '\u0004'
const longestLine = 4096

export function openTerminal(input: ReadStream, err: (text: string) => void): Terminal {
  return {
    secret: () =>
      new Promise((resolve, reject) => {
        let line = ''
        const finish = (settle: () => void): void => {
          input.off('data', take).setRawMode(false)
          input.pause()
          err('\n')
          settle()
        }
        const take = (typed: Buffer | string): void => {
          for (const character of String(typed)) {
            if (character === '\r' || character === '\n') return finish(() => resolve(line))
            if (character === ctrlC || character === ctrlD)
              return finish(() => reject(new CliError('bad_usage', 'no password was given')))
            if (character === '\u007f' || character === '\b') line = Array.from(line).slice(0, -1).join('')
            else if (line.length < longestLine) line += character
          }
        }
        input.setRawMode(true)
        input.on('data', take).resume()
      }),
  }
}
