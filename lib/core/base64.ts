/** Base64 of a text's UTF-8 bytes (RFC 7617 section 2.1). */
export const base64 = (text: string): string => btoa(String.fromCharCode(...new TextEncoder().encode(text)));
