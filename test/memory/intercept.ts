/** An object each of whose methods is called by way of `around`, which is told its name and input and may call it, or not. */
export function intercept<T extends object>(
  object: T,
  around: (method: string, input: readonly unknown[], call: () => unknown) => unknown,
): T {
  return new Proxy(object, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== 'function') return method;
      return (...input: unknown[]) => around(String(name), input, () => Reflect.apply(method, target, input));
    },
  });
}
