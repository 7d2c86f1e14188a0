/** What an operator relies on without seeing it: how little each container may do, and where its secrets are not. */
import { type Engine, lastLine } from './engine.ts'
import type { Container, Project } from './project.ts'

type Inspected = {
  readonly Mounts: readonly { readonly Type: string; readonly Name?: string }[]
  readonly Config: { readonly User: string; readonly Image: string }
  readonly HostConfig: {
    readonly ReadonlyRootfs: boolean
    readonly Privileged: boolean
    readonly CapDrop: readonly string[] | null
    readonly CapAdd: readonly string[] | null
    readonly SecurityOpt: readonly string[] | null
    readonly PortBindings: Readonly<Record<string, readonly { readonly HostIp: string }[] | null>> | null
  }
}

/** Every complaint about one container; none means that it is confined as documented. */
export async function confinementComplaints(
  engine: Engine,
  { service, id }: Container,
  secrets: readonly string[],
): Promise<readonly string[]> {
  const text = (await engine.docker(['inspect', id])).output
  const [inspected] = JSON.parse(text) as Inspected[]
  if (inspected === undefined) return [`${service}: the engine knows no such container`]
  const { Config, HostConfig, Mounts } = inspected
  const history = (await engine.docker(['history', '--no-trunc', Config.Image])).output
  // As the kernel sees the first process, whatever the configuration says.
  const process1 = await engine.docker(['exec', id, 'cat', '/proc/1/status'])
  const write = await engine.docker(['exec', id, 'sh', '-c', 'echo x > /etc/sigstack-test'])
  const published = Object.values(HostConfig.PortBindings ?? {}).flatMap((bindings) => bindings ?? [])

  const demands: readonly (readonly [boolean, string])[] = [
    [/^[1-9]\d*(:\d+)?$|^node$/.test(Config.User), `runs as user "${Config.User}"`],
    [/^Uid:\s+[1-9]/m.test(process1.output), 'its first process is root'],
    [/^CapEff:\s+0+$/m.test(process1.output), 'its first process has capabilities'],
    [/^CapBnd:\s+0+$/m.test(process1.output), 'its processes can gain capabilities'],
    [/^NoNewPrivs:\s+1$/m.test(process1.output), 'its processes can gain privileges'],
    [HostConfig.CapDrop?.includes('ALL') === true && HostConfig.CapAdd === null, 'capabilities not dropped'],
    [HostConfig.SecurityOpt?.includes('no-new-privileges:true') === true, 'no-new-privileges not set'],
    [HostConfig.ReadonlyRootfs && !HostConfig.Privileged, 'root file system not read-only'],
    [write.status !== 0 && /read-only/i.test(write.output), `could write to /etc: ${lastLine(write.output)}`],
    [!Mounts.some(({ Name }) => /^[0-9a-f]{64}$/.test(Name ?? '')), 'has a volume without a name'],
    [published.every(({ HostIp }) => HostIp === '127.0.0.1'), 'published on more than loopback'],
    [!secrets.some((secret) => text.includes(secret)), 'a password is in its configuration'],
    [!secrets.some((secret) => history.includes(secret)), 'a password is in its image'],
  ]
  return demands.filter(([met]) => !met).map(([, complaint]) => `${service}: ${complaint}`)
}

/** Every complaint about the database server: durability, and walls between the two logs. */
export async function databaseComplaints(engine: Engine, project: Project): Promise<readonly string[]> {
  const server = (await project.containers()).find(({ service }) => service === 'postgres')
  const psql = (user: string, database: string, statement: string) =>
    engine.docker([
      'exec',
      server?.id ?? '',
      'sh',
      '-c',
      'PGPASSWORD="$(cat /run/secrets/$1)" psql --no-psqlrc --tuples-only --no-align --host=127.0.0.1 --username="$2" --dbname="$3" --command="$4"',
      'sh',
      user === 'postgres' ? 'postgres_password' : `${user}_database_password`,
      user,
      database,
      statement,
    ])
  const settings = await psql(
    'postgres',
    'postgres',
    "select current_setting('fsync') || current_setting('synchronous_commit') || current_setting('full_page_writes')",
  )
  const own = await psql('rekor', 'rekor', 'select count(*) > 0 from log')
  const other = await psql('rekor', 'ct', 'select 1')
  const noPassword = await engine.docker([
    'exec',
    server?.id ?? '',
    'psql',
    '--no-password',
    '--username=postgres',
    '--command=select 1',
  ])
  const demands: readonly (readonly [boolean, string])[] = [
    [settings.output.trim() === 'ononon', `postgres: not durable: ${lastLine(settings.output)}`],
    [own.output.trim() === 't', `postgres: rekor's database holds no log: ${lastLine(own.output)}`],
    [other.status !== 0 && /permission denied/.test(other.output), "postgres: rekor can enter ct's database"],
    [noPassword.status !== 0, 'postgres: lets in whoever has no password'],
  ]
  return demands.filter(([met]) => !met).map(([, complaint]) => complaint)
}
