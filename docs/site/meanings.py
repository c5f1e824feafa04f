"""Parameters of this package stand in docstrings as `name : meaning, shape, unit`.

NumPy's style has the type there. Types are annotations in the signatures here, so what stands in
the type's place, and is no type, is shown as the description.
"""

from griffe import DocstringSectionKind, Extension, Object

WITH_ITEMS = {
    DocstringSectionKind.parameters,
    DocstringSectionKind.other_parameters,
    DocstringSectionKind.attributes,
    DocstringSectionKind.returns,
    DocstringSectionKind.yields,
}


class Meanings(Extension):
    """Moves meanings from the place of the type to that of the description."""

    def on_object(self, *, obj: Object, **kwargs) -> None:
        """Change the parsed docstring of a module, class or function."""
        if obj.docstring is None:
            return
        for section in obj.docstring.parsed:
            if section.kind in WITH_ITEMS:
                for item in section.value:
                    if isinstance(item.annotation, str):
                        item.description = f"{item.annotation}\n\n{item.description}".strip()
                        item.annotation = None
