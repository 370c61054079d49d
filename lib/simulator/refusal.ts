/**
 * A declaration that the simulator cannot turn into an API, or an option that makes no sense. The message is one
 * sentence that names the stream and what stands in the way.
 */
export class SimulatorRefusal extends Error {
  override name = 'SimulatorRefusal';
}
