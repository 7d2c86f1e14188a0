/** Debian's docker-registry with a folder of the test, gone with it. */
import type { Test } from 'tap'
import { type DistributionSettings, findDockerRegistry, startDistribution } from '../src/testing.ts'

const program = findDockerRegistry()

/** A reason to skip, where it is not installed. */
export const missingRegistry =
  program === undefined && 'docker-registry is not installed (apt-get install docker-registry)'

export async function startDockerRegistry(t: Test, settings?: DistributionSettings): Promise<string> {
  const { host, stop } = await startDistribution(program ?? '', t.testdir(), settings)
  t.teardown(stop)
  return host
}
