import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { IClientOptions, IClientPublishOptions } from 'mqtt'
import {
  type AdminErrorCause,
  type AdminMethod,
  type AdminMethods,
  type AuditQueryParams,
  adminErrors,
  adminResponseTopic,
  type JsonRpcResponse,
  type RecordJson,
  requestTopic,
} from '../../protocol/index.ts'
import { TestClient } from './mqtt-clients.ts'

/** Asks the admin topic over MQTT, one request at a time. */
export class TestAdmin {
  readonly client: TestClient
  #nextId = 1

  private constructor(client: TestClient) {
    this.client = client
  }

  static async connect(t: TestContext, where: number | string, options: IClientOptions = {}): Promise<TestAdmin> {
    return TestAdmin.over(await TestClient.connect(t, where, options))
  }

  /** Asks on a connection that is there. */
  static async over(client: TestClient): Promise<TestAdmin> {
    assert.equal(await client.subscribe(adminResponseTopic(client.id), 0), 0)
    return new TestAdmin(client)
  }

  /** Publishes any bytes to the request topic. @returns the answer */
  async send(request: string | Uint8Array, options: IClientPublishOptions = { qos: 1 }): Promise<JsonRpcResponse> {
    const topic = adminResponseTopic(this.client.id)
    // What takes long also tells how far it is, by notifications, which have no id.
    const isAnswer = (message: { readonly topic: string; readonly payload: Buffer }) =>
      message.topic === topic && 'id' in JSON.parse(message.payload.toString())
    const count = this.client.received.filter(isAnswer).length
    assert.equal(await this.client.publish(requestTopic.admin, request, options), 0)
    const answers = await this.client.waitFor(count + 1, isAnswer)
    return JSON.parse((answers[count]?.payload ?? Buffer.alloc(0)).toString()) as JsonRpcResponse
  }

  /** Asks for what must succeed. */
  async request<M extends AdminMethod>(
    method: M,
    params: AdminMethods[M]['params'],
  ): Promise<AdminMethods[M]['result']> {
    const id = this.#nextId++
    const answer = await this.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }))
    assert.equal(answer.id, id)
    assert.ok('result' in answer, `${method}: ${JSON.stringify(answer)}`)
    return answer.result as AdminMethods[M]['result']
  }

  /** Asks for what must fail, with this cause and its code. */
  async refuses(method: string, params: unknown, cause: AdminErrorCause): Promise<void> {
    const id = this.#nextId++
    const answer = await this.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }))
    assertFailure(answer, cause, id)
  }

  /** All records that match, page by page. */
  async records(params: Omit<AuditQueryParams, 'cursor'> = {}): Promise<RecordJson[]> {
    const records: RecordJson[] = []
    let cursor: string | undefined
    do {
      const page = await this.request('audit.query', cursor === undefined ? params : { ...params, cursor })
      records.push(...page.records)
      cursor = page.cursor ?? undefined
    } while (cursor !== undefined)
    return records
  }

  /** Every publish in the chain. */
  async publishes(params: Omit<AuditQueryParams, 'cursor'> = {}): Promise<RecordJson[]> {
    return (await this.records(params)).filter(({ kind }) => kind === 'publish')
  }

  /** Asserts that the whole chain verifies, with so many publishers' signatures in it. */
  async verifies(signatures = 0): Promise<void> {
    const { treeSize } = await this.request('audit.status', {})
    assert.deepEqual(await this.request('audit.verify', {}), {
      ok: true,
      checked: treeSize,
      signatures,
      erased: { bodies: 0, records: 0 },
    })
  }
}

/** Asserts that a request failed with this cause, its stable code, and an answer to this id. */
export function assertFailure(answer: JsonRpcResponse, cause: AdminErrorCause, id: string | number | null): void {
  assert.ok('error' in answer, `expected ${cause}: ${JSON.stringify(answer)}`)
  assert.deepEqual([answer.error.data?.cause, answer.error.code], [cause, adminErrors[cause].code])
  assert.equal(answer.id, id)
}
