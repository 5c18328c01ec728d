"""Asking a model behind an OpenAI-compatible server (vLLM, llama.cpp): its address is a machine fact."""

from components.server.client import ChatPrompt, ChatServer, ServerError
from components.server.completion import Chat
from components.server.named import pivot_server, translator_server

__all__ = ["Chat", "ChatPrompt", "ChatServer", "ServerError", "pivot_server", "translator_server"]
