// The bundler takes the whole of this CommonJS module for its default export, which React cannot draw (its error 130).
export { Scrollbars as default } from 'react-custom-scrollbars-2/lib/index.js';
