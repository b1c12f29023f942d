// A plugin for Swagger UI, which folds what is long, shows each type in one line, and fills forms in.

/** The type of a value in one line: `date`, `email | null`, `"M" | "F" | "O"`, `string[]`. */
function typeOf({ type = "any", enum: values, format, items }) {
  if (values) return values.map((value) => JSON.stringify(value)).join(" | ");
  const names = { string: format ?? "string", array: `${items ? typeOf(items) : "any"}[]` };
  return [type].flat().map((name) => names[name] ?? name).join(" | ");
}

/** The plugin. What it folds is one click away. */
function compact({ React: { createElement: h, Fragment, useState } }) {
  const parameters = (Parameters) => function Some(props) {
    const [all, setAll] = useState(props.parameters.size <= 8);
    const rest = props.parameters.skip(5);
    const button = h("button", { className: "fold", onClick: () => setAll(true) },
      `${rest.size} more: ${rest.map((parameter) => parameter.get("name")).join(", ")}`);
    return h(Fragment, null, h(Parameters, all ? props : { ...props, parameters: props.parameters.take(5) }), !all && button);
  };
  const response = (Response) => function Foldable(props) {
    const [open, setOpen] = useState(props.code.startsWith("2"));
    const button = h("button", { className: "fold", "aria-expanded": open, onClick: () => setOpen(!open) },
      h(props.getComponent("Markdown", true), { source: props.response.get("description") }));
    const line = h("tr", { className: "line" }, h("td", { className: "response-col_status" }, props.code), h("td", null, button));
    return h(Fragment, null, line, open && h(Response, props));
  };
  const headers = (Headers) => (props) => h("details", null,
    h("summary", null, `Headers: ${props.headers.keySeq().join(", ")}`), h(Headers, props));
  // Swagger UI fills a form in from the examples of its fields, and here the whole form has one; no example: left empty
  const RequestBody = (Body) => (props) => h(Body, { ...props, requestBody: props.requestBody.update("content", (content) =>
    content.map((media, kind) => /json/.test(kind) ? media : media.updateIn(["schema", "properties"], (fields) =>
      fields?.map((field, name) => field.set("example", media.getIn(["example", name], "")))))) });
  const type = (schema) => typeOf(schema).split(/( )/).map((word) => h("span", { className: word.trim() && "word" }, word));
  return {
    fn: { getSchemaObjectTypeLabel: (schema) => type(schema?.toJS() ?? {}) },
    wrapComponents: {
      parameters,
      response,
      headers,
      RequestBody,
      // the type says this format already
      JSONSchema202012KeywordConstraint: (Constraint) => (props) =>
        !/^(date|date-time|email)$/.test(props.constraint.value) && h(Constraint, props),
      JSONSchema202012KeywordType: () => ({ schema }) => h("strong", { className: "json-schema-2020-12__attribute" }, type(schema)),
    },
  };
}
