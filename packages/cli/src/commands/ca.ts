import type { Command } from 'commander'
import type { Io } from '../io.ts'
import { addCaAuthorities } from './ca-authorities.ts'
import { addCaExplain } from './ca-explain.ts'

export function addCa(program: Command, io: Io): void {
  const ca = program
    .command('ca')
    .summary('look after the certificate authority')
    .description(
      'Explains what the certificate authority does with a token, and looks after its authorities.',
    )
  addCaExplain(ca, io)
  addCaAuthorities(ca, io)
}
