"""An editor: pygls' client starts a language server, types, asks, and prints what it was told as JSON.

    editor.py runwarden PROGRAM FOLDER      opens procedures/ops/here.yaml and called.yaml of a workspace
    editor.py yaml NODE SERVER FILE...      opens files whose first line names their schema
"""

import asyncio
import json
import pathlib
import sys

from lsprotocol import types as lsp
from pygls.lsp.client import LanguageClient

PATIENCE = 120


class Editor:
    def __init__(self, folder):
        self.client = LanguageClient("editor", "1")
        self.folder = folder
        self.told = {}
        self.texts = {}
        self.versions = {}
        self.watched = []
        hears = {
            lsp.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS: self.take,
            lsp.CLIENT_REGISTER_CAPABILITY: self.watch,
            lsp.WORKSPACE_CONFIGURATION: self.settings,
        }
        for method, hear in hears.items():
            # pygls marks what it is given, which a method does not allow.
            self.client.feature(method)(lambda params, hear=hear: hear(params))

    def take(self, params):
        self.queue(params.uri).put_nowait(params)

    def settings(self, params):
        """Settings as servers ask for them: nothing is fetched from elsewhere."""
        of_yaml = {"validate": True, "schemaStore": {"enable": False}}
        return [of_yaml if item.section == "yaml" else None for item in params.items]

    def watch(self, params):
        self.watched += [registration.method for registration in params.registrations]

    def queue(self, uri):
        return self.told.setdefault(uri, asyncio.Queue())

    async def start(self, *command):
        await self.client.start_io(*command)
        capabilities = lsp.ClientCapabilities(
            text_document=lsp.TextDocumentClientCapabilities(
                publish_diagnostics=lsp.PublishDiagnosticsClientCapabilities(related_information=True),
                hover=lsp.HoverClientCapabilities(content_format=[lsp.MarkupKind.Markdown]),
            ),
            workspace=lsp.WorkspaceClientCapabilities(
                did_change_watched_files=lsp.DidChangeWatchedFilesClientCapabilities(dynamic_registration=True),
                configuration=True,
            ),
        )
        params = lsp.InitializeParams(capabilities=capabilities, root_uri=self.folder.as_uri(), process_id=None)
        result = await self.client.initialize_async(params)
        self.client.initialized(lsp.InitializedParams())
        return result

    def uri(self, path):
        return (self.folder / path).as_uri()

    def open(self, path, text=None):
        text = (self.folder / path).read_text() if text is None else text
        self.texts[path], self.versions[path] = text, 1
        item = lsp.TextDocumentItem(uri=self.uri(path), language_id="yaml", version=1, text=text)
        self.client.text_document_did_open(lsp.DidOpenTextDocumentParams(text_document=item))

    def place(self, path, mark, after=True):
        """The position after (or before) a text, counted in UTF-16."""
        at = self.texts[path].index(mark) + (len(mark) if after else 0)
        before = self.texts[path][:at].split("\n")
        return lsp.Position(line=len(before) - 1, character=len(before[-1].encode("utf-16-le")) // 2)

    def type(self, path, old, new):
        """Puts one text in place of another, and sends that change alone."""
        span = lsp.Range(start=self.place(path, old, after=False), end=self.place(path, old))
        self.send(path, self.texts[path].replace(old, new, 1), lsp.TextDocumentContentChangePartial(range=span, text=new))

    def replace(self, path, text):
        """Sends a whole text."""
        self.send(path, text, lsp.TextDocumentContentChangeWholeDocument(text=text))

    def send(self, path, text, change):
        self.texts[path] = text
        self.versions[path] += 1
        document = lsp.VersionedTextDocumentIdentifier(uri=self.uri(path), version=self.versions[path])
        self.client.text_document_did_change(
            lsp.DidChangeTextDocumentParams(text_document=document, content_changes=[change])
        )

    async def problems(self, path):
        """What is said next of a document, in its version."""
        while True:
            params = await asyncio.wait_for(self.queue(self.uri(path)).get(), PATIENCE)
            if params.version in (None, self.versions.get(path)):
                return params.diagnostics

    def about(self, path, mark):
        document = lsp.TextDocumentIdentifier(uri=self.uri(path))
        return {"text_document": document, "position": self.place(path, mark)}

    async def completion(self, path, mark):
        answer = await self.client.text_document_completion_async(lsp.CompletionParams(**self.about(path, mark)))
        return [item.label for item in answer.items]

    async def stop(self):
        await self.client.shutdown_async(None)
        self.client.exit(None)
        return await asyncio.wait_for(self.client._server.wait(), PATIENCE)


def shown(problem):
    start, end = problem.range.start, problem.range.end
    related = [information.message for information in problem.related_information or []]
    return {
        "code": problem.code,
        "message": problem.message,
        "line": start.line,
        "from": start.character,
        "to": end.character,
        "related": related,
    }


async def runwarden(program, folder):
    editor = Editor(pathlib.Path(folder).resolve())
    here, called = "procedures/ops/here.yaml", "procedures/ops/called.yaml"
    told = {}
    welcome = await editor.start(program, "lsp")
    told["encoding"] = welcome.capabilities.position_encoding
    told["server"] = welcome.server_info.name

    editor.open(here)
    problems = await editor.problems(here)
    told["first"] = [shown(problem) for problem in problems]

    document = lsp.TextDocumentIdentifier(uri=editor.uri(here))
    context = lsp.CodeActionContext(diagnostics=problems)
    asked = lsp.CodeActionParams(text_document=document, range=problems[0].range, context=context)
    actions = await editor.client.text_document_code_action_async(asked)
    told["actions"] = [action.title for action in actions]
    [edit] = actions[0].edit.changes[editor.uri(here)]
    change = lsp.TextDocumentContentChangePartial(range=edit.range, text=edit.new_text)
    line = editor.texts[here].split("\n")[edit.range.start.line]
    units = line.encode("utf-16-le")
    start, end = edit.range.start.character * 2, edit.range.end.character * 2
    mended = units[:start] + edit.new_text.encode("utf-16-le") + units[end:]
    editor.send(here, editor.texts[here].replace(line, mended.decode("utf-16-le"), 1), change)
    told["mended"] = [shown(problem) for problem in await editor.problems(here)]

    told["references"] = await editor.completion(here, "{{ parameters.")
    told["inputs"] = await editor.completion(here, "ops.called\n    with: { ")
    told["actions_known"] = await editor.completion(here, "action: d")
    hover = await editor.client.text_document_hover_async(lsp.HoverParams(**editor.about(here, "action: data.va")))
    told["hover"] = hover.contents.value
    go = await editor.client.text_document_definition_async(lsp.DefinitionParams(**editor.about(here, "call: ops.ca")))
    told["definition"] = {"uri": go.uri, "line": go.range.start.line}
    symbols = await editor.client.text_document_document_symbol_async(lsp.DocumentSymbolParams(text_document=document))
    told["symbols"] = {symbol.name: [child.name for child in symbol.children or []] for symbol in symbols}

    # What the editor has not saved counts at once, in the other document too.
    editor.open(called)
    told["called"] = [shown(problem) for problem in await editor.problems(called)]
    editor.type(called, "  place: {", "  spot: {")
    told["renamed"] = [shown(problem) for problem in await editor.problems(here)]
    editor.type(called, "  spot: {", "  place: {")
    told["renamed_back"] = [shown(problem) for problem in await editor.problems(here)]

    # A change of the workspace file on the disk does too.
    file = editor.folder / "runwarden.yaml"
    before = file.read_text()
    watched = lsp.FileEvent(uri=file.as_uri(), type=lsp.FileChangeType.Changed)
    file.write_text(before.replace("procedures: [procedures]", "procedures: [elsewhere]"))
    (editor.folder / "elsewhere").mkdir()
    editor.client.workspace_did_change_watched_files(lsp.DidChangeWatchedFilesParams(changes=[watched]))
    editor.open("elsewhere/caller.yaml", editor.texts[here].replace("ops.here", "caller"))
    told["elsewhere"] = [shown(problem)["code"] for problem in await editor.problems("elsewhere/caller.yaml")]
    file.write_text(before)
    editor.client.workspace_did_change_watched_files(lsp.DidChangeWatchedFilesParams(changes=[watched]))
    told["back"] = [shown(problem)["code"] for problem in await editor.problems("elsewhere/caller.yaml")]
    told["watched"] = editor.watched

    editor.replace(here, "runwarden: [")
    told["broken"] = [shown(problem)["code"] for problem in await editor.problems(here)]
    editor.client.text_document_did_close(lsp.DidCloseTextDocumentParams(text_document=document))
    told["closed"] = [shown(problem) for problem in await editor.problems(here)]
    told["exit"] = await editor.stop()
    return told


async def yaml(node, server, *files):
    editor = Editor(pathlib.Path(files[0]).resolve().parent)
    await editor.start(node, server, "--stdio")
    told = {}
    for file in files:
        editor.open(pathlib.Path(file).name)
        told[pathlib.Path(file).name] = [shown(problem) for problem in await editor.problems(pathlib.Path(file).name)]
    await editor.stop()
    return told


scenario, *arguments = sys.argv[1:]
print(json.dumps(asyncio.run({"runwarden": runwarden, "yaml": yaml}[scenario](*arguments)), default=str))
