"""One file a format: `read(source, **options)` yields what a source holds, reaction by reaction.

    def read(source: Path, *, option: str = "x") -> Iterator[Found | Rejected]: ...

It yields a `Found` for each reaction, in the order of the source, without reading geometries:
these are read when `Found.load()` is called, for those reactions only that are wanted. What can't
be a reaction (a broken row) is yielded as `Rejected`; what `load` finds wrong is raised as
`BadEndpoints`. A source that can't be read at all is an `InputError`. No importer holds more than
one reaction in memory, follows a name in the source out of it, or unpacks an archive. The first
sentence of a file's docstring is its line in `mepbench import --help`.

`STATED`, where a file has it, is the charge or multiplicity that all reactions of the data set have
whose layout it reads; a user's `--charge` and `--multiplicity` go before it.
"""
